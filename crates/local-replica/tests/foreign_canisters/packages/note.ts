import { IDL, query, update } from 'azle';

export default class {
    text: string = 'nothing yet';

    @query([], IDL.Text)
    read(): string {
        return this.text;
    }

    @update([IDL.Text], IDL.Nat32)
    write(text: string): number {
        this.text = text;
        return text.length;
    }
}
