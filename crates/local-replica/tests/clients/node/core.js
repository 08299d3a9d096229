// What an application with @icp-sdk/core does: anonymous and signed calls, verified queries, rejects, certified state.
//
// usage: node --input-type=module - URL CANISTER_ID <core.js, where the packages are; prints one line of JSON

import assert from 'node:assert/strict';
import { Actor, CanisterStatus, HttpAgent, RejectError } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1';
import { Principal } from '@icp-sdk/core/principal';

const [host, id] = process.argv.slice(2);
const canisterId = Principal.fromText(id);
const service = () =>
  IDL.Service({
    increment: IDL.Func([], [IDL.Nat64], []),
    value: IDL.Func([], [IDL.Nat64], ['query']),
    echo: IDL.Func([IDL.Text], [IDL.Text], ['query']),
    whoami: IDL.Func([], [IDL.Principal], ['query']),
    refuse: IDL.Func([], [], []),
    fail: IDL.Func([], [], []),
  });

// The agent verifies certificates and the nodes' signatures of queries unless told otherwise; it is not told.
async function actor(identity) {
  const agent = await HttpAgent.create({ host, identity, shouldFetchRootKey: true });
  return { agent, actor: Actor.createActor(service, { agent, canisterId }) };
}

const ed25519 = Ed25519KeyIdentity.generate();
const session = Ed25519KeyIdentity.generate();
const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000);
const chain = await DelegationChain.create(ed25519, session.getPublicKey(), tomorrow, { targets: [canisterId] });
const identities = {
  ed25519,
  secp256k1: Secp256k1KeyIdentity.generate(),
  p256: await ECDSAKeyIdentity.generate(),
  delegated: DelegationIdentity.fromDelegation(session, chain),
};
const known = [];
for (const [scheme, identity] of Object.entries(identities)) {
  const { actor: counter } = await actor(identity);
  assert.deepEqual(await counter.whoami(), identity.getPrincipal(), scheme);
  known.push(scheme);
}

const { agent, actor: counter } = await actor(ed25519);
const before = await counter.value();
const counted = await Promise.all(Array.from({ length: 10 }, () => counter.increment()));
assert.deepEqual(counted.map(Number).sort((a, b) => a - b), Array.from({ length: 10 }, (_, i) => Number(before) + i + 1));
assert.equal(await counter.value(), before + 10n);
assert.equal(await counter.echo('größer als 日本'), 'größer als 日本');

await assert.rejects(counter.refuse(), (error) => error instanceof RejectError && /not today/.test(error.message));
await assert.rejects(counter.fail(), (error) => error instanceof RejectError && /on purpose/.test(error.message));

const status = await CanisterStatus.request({
  agent,
  canisterId,
  paths: ['time', 'controllers', 'module_hash', 'candid'],
});
assert.ok(Math.abs(status.get('time').getTime() - Date.now()) < 60_000, 'certified time');
assert.match(status.get('candid'), /increment/);
assert.match(status.get('module_hash'), /^[0-9a-f]{64}$/);

const value = Number(await counter.value());

// The call under another root key is executed, but its certificate must not be believed.
const foreign = await HttpAgent.create({ host, rootKey: agent.rootKey.map((byte, i) => (i > 60 ? byte ^ 1 : byte)) });
await assert.rejects(Actor.createActor(service, { agent: foreign, canisterId }).increment());

console.log(JSON.stringify({ known, counted: counted.length, value }));
