// Compiles a Motoko source with the compiler of a package, which runs in Node.
const fs = require('fs');

const [compiler, source, output] = process.argv.slice(2);
const motoko = require(compiler).default;
motoko.write('Main.mo', fs.readFileSync(source, 'utf8'));
fs.writeFileSync(output, motoko.wasm('Main.mo', 'ic').wasm);
