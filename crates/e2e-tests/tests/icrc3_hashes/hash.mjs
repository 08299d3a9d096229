// Hashes each block with the JavaScript agent's own representation-independent hash. In: a JSON line for each block, its
// values tagged with their kinds. Out: a line with the hash of each, in hexadecimal digits.
import { hashValue } from "@icp-sdk/core/agent";
import { createInterface } from "node:readline";

function plain([kind, content]) {
  switch (kind) {
    case "blob": return Uint8Array.from(Buffer.from(content, "hex"));
    case "text": return content;
    case "nat": return BigInt(content);
    case "array": return content.map(plain);
    case "map": return Object.fromEntries(content.map(([key, value]) => [key, plain(value)]));
    default: throw new Error(`no kind of value: ${kind}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(Buffer.from(hashValue(plain(JSON.parse(line)))).toString("hex"));
}
