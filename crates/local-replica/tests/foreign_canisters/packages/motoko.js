// Compiles the Motoko source with the compiler of the package `motoko`, which runs in Node.
const fs = require('fs');
const motoko = require('motoko').default;

const [source, output] = process.argv.slice(2);
motoko.write('Counter.mo', fs.readFileSync(source, 'utf8'));
fs.writeFileSync(output, motoko.wasm('Counter.mo', 'ic').wasm);
