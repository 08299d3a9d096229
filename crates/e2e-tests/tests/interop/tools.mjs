// What other JavaScript libraries encrypt to the published keys opens, and they open the answers.
import { CipherSuite, Aes128Gcm, Aes256Gcm, DhkemP256HkdfSha256, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import * as age from "age-encryption";
import { CompactEncrypt, compactDecrypt, exportJWK, generateKeyPair, importJWK } from "jose";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import * as content from "./content.mjs";

const jwk = createPrivateKey(readFileSync("owner.pem")).export({ format: "jwk" });
const algorithm = jwk.kty === "EC" ? { name: "ECDSA", namedCurve: "P-256" } : "Ed25519";
const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
const { CONTENT_URL: url, CONTENT_CANISTER: canister, CONTENT_OWNER: name } = process.env;
const owner = { url, canister, name, key };
const plain = new TextEncoder().encode("what only its owner reads");
const part = { offset_bytes: 5, length_bytes: 9 };
const unb64 = (text) => new Uint8Array(Buffer.from(text, "base64url"));

const tools = {
  async jose(recipient, curve) {
    for (const alg of ["ECDH-ES", "ECDH-ES+A256KW"]) {
      const to = await importJWK(recipient.jwk, alg);
      const message = await new CompactEncrypt(plain).setProtectedHeader({ alg, enc: "A256GCM" }).encrypt(to);
      const item = await content.store(owner, `jose ${alg}`, "jwe", new TextEncoder().encode(message));
      const reader = await generateKeyPair("ECDH-ES", { crv: curve, extractable: true });
      const answer = await content.retrieve(owner, item, await exportJWK(reader.publicKey), "jwe", part);
      check(`jose ${alg} ${curve}`, (await compactDecrypt(answer, reader.privateKey)).plaintext);
    }
  },
  // HPKE has no format for answers: they are opened as JWE.
  async hpke(recipient, curve) {
    const kem = curve === "P-256" ? new DhkemP256HkdfSha256() : new DhkemX25519HkdfSha256();
    for (const [aead, named] of [[new Aes128Gcm(), "AES-128-GCM"], [new Aes256Gcm(), "AES-256-GCM"]]) {
      const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead });
      const to = await kem.deserializePublicKey(unb64(recipient.raw));
      const { enc, ct } = await suite.seal({ recipientPublicKey: to }, plain);
      const envelope = new Uint8Array([...new Uint8Array(enc), ...new Uint8Array(ct)]);
      const format = { hpke: { curve, kdf: "HKDF-SHA256", aead: named } };
      const item = await content.store(owner, "hpke", format, envelope);
      const reader = await content.readerKey(curve);
      const answer = await content.retrieve(owner, item, await content.publicJwk(reader), "jwe", part);
      check(`@hpke/core ${named} ${curve}`, await content.decryptJwe(reader, answer));
    }
  },
  async typage(recipient, curve) {
    const encrypter = new age.Encrypter();
    encrypter.addRecipient(recipient.age);
    const item = await content.store(owner, "typage", "age", await encrypter.encrypt(plain));
    const identity = await age.generateX25519Identity();
    const answer = await content.retrieve(owner, item, await age.identityToRecipient(identity), "age", part);
    const decrypter = new age.Decrypter();
    decrypter.addIdentity(identity);
    check(`typage ${curve}`, await decrypter.decrypt(answer));
  },
};

function check(what, opened) {
  const text = new TextDecoder().decode(opened);
  if (text !== "only its ") throw new Error(`${what}: opened as ${JSON.stringify(text)}`);
  console.log(what);
}

for (const curve of ["P-256", "X25519"]) {
  const recipient = await content.recipientKey(url, name, curve);
  for (const tool of Object.values(tools)) await tool(recipient, curve);
}
