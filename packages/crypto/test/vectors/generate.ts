/**
 * Writes `records.json`: one record of every kind as docs/CRYPTO.md describes it, and each of its failures by itself.
 * `node_modules/.bin/tsx packages/crypto/test/vectors/generate.ts`
 *
 * Imports nothing of Coffer: it is the second implementation that the first is held against. Its randomness is a counter, so
 * running it again gives the same file.
 */
import { argon2Sync, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Aes256Gcm, CipherSuite, HkdfSha256 } from '@hpke/core';
import { XWing } from '@hpke/hybridkem-x-wing';
import { encode } from 'cborg';

const { subtle } = webcrypto;
type Bytes = Uint8Array<ArrayBuffer>;
type Field = Bytes | string | number;

const bytes = (...values: readonly number[]): Bytes => Uint8Array.from(values);
const text = (value: string): Bytes => Uint8Array.from(Buffer.from(value));
const join = (...parts: readonly Uint8Array[]): Bytes => Uint8Array.from(Buffer.concat(parts));
const none = bytes();
const cbor = (value: unknown): Bytes => Uint8Array.from(encode(value));

function bigEndian(value: number, length: number): Bytes {
  const digits = value.toString(16).padStart(2 * length, '0');
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

function lp(...fields: readonly Field[]): Bytes {
  const encoded = fields.map((field) => {
    if (typeof field === 'string') return text(field);
    return typeof field === 'number' ? bigEndian(field, 8) : field;
  });
  return join(...encoded.flatMap((field) => [bigEndian(field.length, 4), field]));
}

const sha256 = async (...parts: readonly Uint8Array[]): Promise<Bytes> => new Uint8Array(await subtle.digest('SHA-256', join(...parts)));

async function hmac(key: Bytes, message: Bytes): Promise<Bytes> {
  const imported = await subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await subtle.sign('HMAC', imported, message));
}

async function kdf(key: Bytes, label: string, ...context: readonly Field[]): Promise<Bytes> {
  const imported = await subtle.importKey('raw', key, 'HKDF', false, ['deriveBits']);
  const params = { name: 'HKDF', hash: 'SHA-256', salt: none, info: lp(`coffer/1 ${label}`, ...context) };
  return new Uint8Array(await subtle.deriveBits(params, imported, 256));
}

async function gcm(input: { key: Bytes; nonce: Bytes; ad: Bytes; plain: Bytes }): Promise<Bytes> {
  const key = await subtle.importKey('raw', input.key, 'AES-GCM', false, ['encrypt']);
  const params = { name: 'AES-GCM', iv: input.nonce, additionalData: input.ad, tagLength: 128 };
  return new Uint8Array(await subtle.encrypt(params, key, input.plain));
}

let drawn = 0;
async function random(length: number): Promise<Bytes> {
  const blocks: Bytes[] = [];
  for (let have = 0; have < length; have += 32) blocks.push(await sha256(text(`coffer vectors ${drawn++}`)));
  return join(...blocks).slice(0, length);
}

interface Case {
  readonly name: string;
  readonly record: string;
  /** Hex text, or a number. */
  readonly input: Readonly<Record<string, Bytes | string | number>>;
  /** The plain bytes, or the layer that must refuse. */
  readonly expect: { readonly opens: Bytes } | { readonly refusedBy: string };
}
const cases: Case[] = [];

/** `value` with one bit changed at `at`. */
function flipped(value: Bytes, at: number): Bytes {
  const copy = Uint8Array.from(value);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = copy[index]! ^ 1;
  return copy;
}

// Seal --------------------------------------------------------------------------------------------------------------------

async function seal(key: Bytes, plain: Bytes, ad: Bytes, commitmentKey: Bytes = key): Promise<Bytes> {
  const salt = await random(32);
  const context = await sha256(ad);
  const messageKey = await kdf(key, 'seal key', salt, context);
  const commitment = await kdf(commitmentKey, 'seal commitment', salt, context);
  return join(bytes(1), salt, commitment, await gcm({ key: messageKey, nonce: new Uint8Array(12), ad, plain }));
}

async function sealCases(): Promise<void> {
  const key = await random(32);
  const ad = text('vault/7');
  const plain = text('Attack at dawn, or have breakfast first.');
  const sealed = await seal(key, plain, ad);
  const add = (name: string, refusedBy: string, change: Case['input']) =>
    cases.push({ name: `seal: ${name}`, record: 'seal', input: { key, ad, sealed, ...change }, expect: { refusedBy } });
  cases.push({ name: 'seal: opens', record: 'seal', input: { key, ad, sealed }, expect: { opens: plain } });
  const empty = await seal(key, none, none);
  cases.push({ name: 'seal: empty', record: 'seal', input: { key, ad: none, sealed: empty }, expect: { opens: none } });
  add('unknown suite', 'suite', { sealed: join(bytes(2), sealed.slice(1)) });
  add('one byte short of anything', 'length', { sealed: sealed.slice(0, 80) });
  add('salt changed', 'commitment', { sealed: flipped(sealed, 1) });
  add('commitment changed', 'commitment', { sealed: flipped(sealed, 64) });
  add('commitment of another key', 'commitment', { sealed: await seal(key, plain, ad, await random(32)) });
  add('ciphertext changed', 'tag', { sealed: flipped(sealed, 65) });
  add('tag changed', 'tag', { sealed: flipped(sealed, -1) });
  add('tag cut', 'tag', { sealed: sealed.slice(0, -1) });
  add('byte added', 'tag', { sealed: join(sealed, bytes(0)) });
  add('other key', 'commitment', { key: await random(32) });
  add('other place', 'commitment', { ad: text('vault/8') });
}

// Sealing to someone ------------------------------------------------------------------------------------------------------

const hpke = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

async function sealTo(publicKey: Bytes, info: Bytes, plain: Bytes): Promise<Bytes> {
  const recipientPublicKey = await hpke.kem.importKey('raw', publicKey.buffer, true);
  const context = await hpke.createSenderContext({ recipientPublicKey, info: info.buffer, ekm: (await random(64)).buffer });
  const sealed = new Uint8Array(await context.seal(plain.buffer));
  return join(bytes(1), new Uint8Array(context.enc), sealed);
}

async function xwingKeys(): Promise<{ readonly seed: Bytes; readonly publicKey: Bytes }> {
  const pair = await hpke.kem.deriveKeyPair((await random(32)).buffer);
  const seed = new Uint8Array(await hpke.kem.serializePrivateKey(pair.privateKey));
  return { seed, publicKey: new Uint8Array(await hpke.kem.serializePublicKey(pair.publicKey)) };
}

async function ed25519Public(seed: Bytes): Promise<Bytes> {
  const pkcs8 = join(Uint8Array.from(Buffer.from('302e020100300506032b657004220420', 'hex')), seed);
  const key = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  return Uint8Array.from(Buffer.from((await subtle.exportKey('jwk', key)).x!, 'base64url'));
}

async function hpkeCases(): Promise<void> {
  const to = await xwingKeys();
  const about = ['coffer/1 test', await random(16), await random(16), await random(16), await random(32), 2] as const;
  const info = lp(...about);
  const plain = text('For your eyes only.');
  const sealed = await sealTo(to.publicKey, info, plain);
  const add = (name: string, refusedBy: string, change: Case['input']) =>
    cases.push({ name: `hpke: ${name}`, record: 'hpke', input: { seed: to.seed, info, sealed, ...change }, expect: { refusedBy } });
  cases.push({ name: 'hpke: opens', record: 'hpke', input: { seed: to.seed, info, sealed }, expect: { opens: plain } });
  add('unknown suite', 'suite', { sealed: join(bytes(0), sealed.slice(1)) });
  add('ML-KEM half changed', 'implicit rejection, then tag', { sealed: flipped(sealed, 1) });
  add('X25519 half changed', 'combiner, then tag', { sealed: flipped(sealed, 1 + 1088) });
  add('X25519 half of small order', 'X25519', { sealed: join(sealed.slice(0, 1089), new Uint8Array(32), sealed.slice(1121)) });
  add('ciphertext changed', 'tag', { sealed: flipped(sealed, 1121) });
  add('tag cut', 'tag', { sealed: sealed.slice(0, -1) });
  add('other recipient', 'tag', { seed: await random(32) });
  add('other epoch', 'info', { info: lp(...about.slice(0, 5), 3) });
}

// Chunks ------------------------------------------------------------------------------------------------------------------

function padme(length: number): number {
  const exponent = Math.floor(Math.log2(length));
  const step = 2 ** (exponent - (Math.floor(Math.log2(exponent)) + 1));
  return step <= 1 ? length : Math.ceil(length / step) * step;
}

/** A zstd frame by hand (RFC 8878): one block that repeats a byte, or one raw block. */
function frame(options: { windowLog?: number; repeat?: [byte: number, count: number]; raw?: Bytes }): Bytes {
  const [byte, count] = options.repeat ?? [0, 0];
  const size = options.raw ? options.raw.length : count;
  const head = 1 | ((options.raw ? 0 : 1) << 1) | (size << 3);
  const block = join(bytes(head & 255, (head >> 8) & 255, head >> 16), options.raw ?? bytes(byte));
  return join(bytes(0x28, 0xb5, 0x2f, 0xfd, 0, ((options.windowLog ?? 17) - 10) << 3), block);
}

interface ChunkParts {
  readonly encoding: number;
  readonly payload: Bytes;
  readonly statedBytes?: number;
  readonly padding?: Bytes;
}

async function chunk(parts: ChunkParts, id: Bytes, key: Bytes): Promise<Bytes> {
  const real = join(bytes(parts.encoding), bigEndian(parts.statedBytes ?? parts.payload.length, 4), parts.payload);
  const plain = join(real, parts.padding ?? new Uint8Array(padme(real.length) - real.length));
  const nonce = await random(12);
  return join(bytes(1), nonce, await gcm({ key, nonce, ad: lp(bytes(1), id), plain }));
}

async function chunkCases(): Promise<void> {
  const dedupSecret = await random(32);
  const plain = new Uint8Array(3000).fill(0x61);
  const ph = await sha256(plain);
  const id = await hmac(await kdf(dedupSecret, 'chunk id'), lp('id', ph));
  const key = await hmac(await kdf(dedupSecret, 'chunk key'), lp('key', ph));
  const packed = frame({ repeat: [0x61, 3000] });
  const good = { dedupSecret, id, key, ph, plainBytes: 3000 };
  const open = async (name: string, parts: ChunkParts) =>
    cases.push({ name: `chunk: ${name}`, record: 'chunk', input: { ...good, sealed: await chunk(parts, id, key) }, expect: { opens: plain } });
  const refuse = (name: string, refusedBy: string, change: Case['input']) =>
    cases.push({ name: `chunk: ${name}`, record: 'chunk', input: { ...good, ...change }, expect: { refusedBy } });
  const forge = async (name: string, refusedBy: string, parts: ChunkParts) =>
    refuse(name, refusedBy, { sealed: await chunk(parts, id, key) });

  await open('raw', { encoding: 0, payload: plain });
  await open('zstd', { encoding: 1, payload: packed });
  await open('zstd with a window of 8 MiB', { encoding: 1, payload: frame({ repeat: [0x61, 3000], windowLog: 23 }) });
  const sealed = await chunk({ encoding: 1, payload: packed }, id, key);
  refuse('unknown suite', 'suite', { sealed: join(bytes(2), sealed.slice(1)) });
  refuse('nonce changed', 'tag', { sealed: flipped(sealed, 1) });
  refuse('ciphertext changed', 'tag', { sealed: flipped(sealed, 13) });
  refuse('tag changed', 'tag', { sealed: flipped(sealed, -1) });
  refuse('under another name', 'associated data', { sealed, id: flipped(id, 0) });
  refuse('under another key', 'tag', { sealed, key: flipped(key, 0) });
  refuse('promised one byte less', 'length cap', { sealed, plainBytes: 2999 });
  refuse('promised one byte more', 'exact length', { sealed, plainBytes: 3001 });
  refuse('promised another content', 'plain hash', { sealed, ph: flipped(ph, 0) });
  await forge('unknown encoding', 'encoding', { encoding: 2, payload: packed });
  await forge('payload longer than the chunk', 'payload length', { encoding: 1, payload: packed, statedBytes: 0xffffffff });
  await forge('padding not zero', 'padding', { encoding: 0, payload: plain, padding: bytes(0, 1) });
  await forge('garbage behind the frame', 'frame end', { encoding: 1, payload: join(packed, text('x')) });
  await forge('two frames', 'frame end', { encoding: 1, payload: join(frame({ repeat: [0x61, 1000] }), frame({ repeat: [0x61, 2000] })) });
  await forge('skippable frame first', 'frame magic', { encoding: 1, payload: join(bytes(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0), packed) });
  await forge('window of 16 MiB', 'window', { encoding: 1, payload: frame({ repeat: [0x61, 3000], windowLog: 24 }) });
  await forge('bomb', 'length cap', { encoding: 1, payload: frame({ repeat: [0x61, 100_000] }) });
  await forge('other bytes of that length', 'plain hash', { encoding: 1, payload: frame({ repeat: [0x62, 3000] }) });
}

// Keys --------------------------------------------------------------------------------------------------------------------

async function epochCases(): Promise<void> {
  const secret = await random(32);
  const previous = await random(32);
  const vault = await random(32);
  const to = await xwingKeys();
  const grant = { server: await random(16), from: await random(16), to: await random(16), object: vault, epoch: 5 };
  const info = lp('coffer/1 epoch secret', grant.server, grant.from, grant.to, grant.object, grant.epoch);
  const commitment = await kdf(secret, 'epoch commitment', 5);
  const input = { ...grant, seed: to.seed, commitment, sealed: await sealTo(to.publicKey, info, secret) };
  cases.push({ name: 'epoch secret: opens', record: 'epochSecret', input, expect: { opens: secret } });
  const other = { ...input, sealed: await sealTo(to.publicKey, info, previous) };
  cases.push({ name: 'epoch secret: not the committed one', record: 'epochSecret', input: other, expect: { refusedBy: 'commitment' } });

  const link = await seal(await kdf(secret, 'epoch link', 5), previous, lp('coffer/1 epoch link', vault, 5));
  const previousCommitment = await kdf(previous, 'epoch commitment', 4);
  const linked = { vault, n: 5, secret, link, previousCommitment };
  cases.push({ name: 'epoch link: opens', record: 'epochLink', input: linked, expect: { opens: previous } });
  const wrong = { ...linked, previousCommitment: commitment };
  cases.push({ name: 'epoch link: not the committed one', record: 'epochLink', input: wrong, expect: { refusedBy: 'commitment' } });
  await bodyCases(secret);
}

async function bodyCases(secret: Bytes): Promise<void> {
  const ad = text('lp of the header');
  const bodyKey = await kdf(secret, 'body key', 5);
  const padded = (operations: Bytes, length: number, total: number) =>
    join(bigEndian(length, 4), operations, new Uint8Array(total - 4 - operations.length));
  const body = await seal(bodyKey, padded(text('operations'), 10, 256), ad);
  const sealedBody = { epochSecret: secret, n: 5, ad, body };
  cases.push({ name: 'commit body: opens', record: 'commitBody', input: sealedBody, expect: { opens: text('operations') } });
  const long = text('operations'.repeat(100));
  const longBody = { ...sealedBody, body: await seal(bodyKey, padded(long, 1000, padme(1004)), ad) };
  cases.push({ name: 'commit body: long', record: 'commitBody', input: longBody, expect: { opens: long } });
  const refuse = async (name: string, refusedBy: string, inner: Bytes) => {
    const input = { ...sealedBody, body: await seal(bodyKey, inner, ad) };
    cases.push({ name: `commit body: ${name}`, record: 'commitBody', input, expect: { refusedBy } });
  };
  await refuse('not padded', 'padding', padded(text('operations'), 10, 14));
  await refuse('padded to another length', 'padding', padded(text('operations'), 10, 272));
  await refuse('padding not zero', 'padding', flipped(padded(text('operations'), 10, 256), -1));
  await refuse('length beyond the end', 'padding', padded(text('operations'), 4096, 256));
  await refuse('no length', 'padding', none);
  cases.push({ name: 'commit body: other epoch', record: 'commitBody', input: { ...sealedBody, n: 6 }, expect: { refusedBy: 'commitment' } });
}

async function unlockCases(): Promise<void> {
  const [server, account, exportKey, ark] = [await random(16), await random(16), await random(64), await random(32)];
  const own = await xwingKeys();
  const fields = { identitySeed: await random(32), sealSeed: own.seed, dedup: [{ g: 0, secret: await random(32) }] };
  const recovery = await xwingKeys();
  const escrowInfo = lp('coffer/1 escrow', server, account, await sha256(recovery.publicKey), account, 0);
  const unlockKey = await kdf(exportKey, 'unlock key', server, account);
  const parts = {
    v: 1,
    ark: await seal(unlockKey, ark, lp('coffer/1 unlock ark', server, account)),
    secrets: await seal(await kdf(ark, 'account secrets'), cbor(fields), lp('coffer/1 unlock secrets', server, account)),
    escrow: await sealTo(recovery.publicKey, escrowInfo, ark),
  };
  const input = { server, account, exportKey, record: cbor(parts) };
  const opens = join(ark, fields.identitySeed, fields.sealSeed, fields.dedup[0]!.secret);
  const signKey = await ed25519Public(fields.identitySeed);
  const admin = { ...input, recoverySeed: recovery.seed, recoveryKey: recovery.publicKey, signKey, sealKey: own.publicKey };
  cases.push({ name: 'unlock record: opens', record: 'unlock', input, expect: { opens } });
  cases.push({ name: 'unlock record: escrow opens', record: 'escrow', input: admin, expect: { opens } });
  const changed = { ...admin, signKey: flipped(signKey, 0) };
  cases.push({ name: 'unlock record: escrow of another', record: 'escrow', input: changed, expect: { refusedBy: 'identity' } });
  const refuse = (name: string, refusedBy: string, record: unknown) =>
    cases.push({ name: `unlock record: ${name}`, record: 'unlock', input: { ...input, record: cbor(record) }, expect: { refusedBy } });
  refuse('root key of another account', 'place', { ...parts, ark: await seal(unlockKey, ark, lp('coffer/1 unlock ark', server, server)) });
  refuse('unknown field', 'schema', { ...parts, more: 0 });
  refuse('later version', 'schema', { ...parts, v: 2 });
}

async function keystoreCases(): Promise<void> {
  const plain = text('what a device keeps');
  const salt = await random(16);
  const password = 'nebelhorn';
  const stretched = argon2Sync('argon2id', { message: password, nonce: salt, passes: 3, memory: 65_536, parallelism: 4, tagLength: 32 });
  const make = async (kind: string, material: Bytes, version = 1) => {
    const sealed = await seal(await kdf(material, 'keystore'), plain, lp('coffer/1 keystore', kind, salt));
    return cbor({ v: version, kind, salt, sealed });
  };
  const material = Uint8Array.from(stretched);
  const wrappingKey = await random(32);
  const byPassword = { password, keystore: await make('password', material) };
  const byKey = { wrappingKey, keystore: await make('key', wrappingKey) };
  cases.push({ name: 'keystore: password opens', record: 'keystore', input: byPassword, expect: { opens: plain } });
  cases.push({ name: 'keystore: key opens', record: 'keystore', input: byKey, expect: { opens: plain } });
  const other = { ...byPassword, password: 'Nebelhorn' };
  cases.push({ name: 'keystore: other password', record: 'keystore', input: other, expect: { refusedBy: 'commitment' } });
  const later = { wrappingKey, keystore: await make('key', wrappingKey, 2) };
  cases.push({ name: 'keystore: later version', record: 'keystore', input: later, expect: { refusedBy: 'schema' } });
}

async function loginCases(): Promise<void> {
  const [sessionKey, transcript] = [await random(64), await random(100)];
  for (const side of ['client', 'server']) {
    const proof = await hmac(sessionKey, lp('coffer/1 login proof', side, transcript));
    cases.push({ name: `login proof: ${side}`, record: 'loginProof', input: { sessionKey, side, transcript }, expect: { opens: proof } });
  }
}

// Cutting -----------------------------------------------------------------------------------------------------------------

/** Content that anybody can make again: SHA-256 of a counter, block after block. */
async function content(length: number, name: string): Promise<Bytes> {
  const blocks = new Uint8Array(Math.ceil(length / 32) * 32);
  for (let at = 0; at < length; at += 32) blocks.set(await sha256(text(`${name} ${at / 32}`)), at);
  return blocks.slice(0, length);
}

async function cutCases(): Promise<void> {
  const kCut = await random(32);
  const file = await content(5 * 2 ** 20, 'coffer cut');
  file.fill(0, 2_000_001, 2_000_001 + 70_000);
  const lengths = [...(await cuts(file.subarray(0, 2_000_001), kCut)), -70_000, ...(await cuts(file.subarray(2_070_001), kCut))];
  const packed = join(...lengths.map((length) => bigEndian(length < 0 ? 2 ** 32 + length : length, 4)));
  cases.push({ name: 'cuts of 5 MiB with a hole', record: 'cut', input: { kCut, name: 'coffer cut', bytes: file.length }, expect: { opens: packed } });
}

async function cuts(data: Bytes, kCut: Bytes): Promise<number[]> {
  const gear = await Promise.all(Array.from({ length: 256 }, async (_, index) => {
    const digest = await sha256(text('coffer/1 gear'), bigEndian(index, 4));
    return Number(`0x${Buffer.from(digest.subarray(0, 4)).toString('hex')}`);
  }));
  const key = await kdf(kCut, 'cut');
  const lengths: number[] = [];
  let start = 0;
  let hash = 0;
  for (let end = 1; end <= data.length; end += 1) {
    hash = (hash * 2 + gear[data[end - 1]!]!) % 2 ** 32;
    const length = end - start;
    if (end < data.length && length < 256 * 1024) continue;
    const proposed = hash < 2 ** 18 && Number(`0x${Buffer.from(await hmac(key, data.slice(end - 64, end))).toString('hex').slice(0, 8)}`) < Math.floor(2 ** 32 / 48);
    if (!proposed && length < 4 * 2 ** 20 && end < data.length) continue;
    lengths.push(length);
    start = end;
  }
  return lengths;
}

const asJson = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);

for (const make of [sealCases, hpkeCases, chunkCases, epochCases, unlockCases, keystoreCases, loginCases, cutCases]) await make();
writeFileSync(new URL('records.json', import.meta.url), `${JSON.stringify({ cases }, asJson, 1)}\n`);
