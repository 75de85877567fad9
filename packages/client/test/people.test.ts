import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { timestampFromMs } from '@coffer/core';
import { makeCertificate, authorityFingerprint } from '@coffer/journal';
import { TestAccount, testRandom, testSigningKey } from '@coffer/journal/testing';
import type { TestSigningKey } from '@coffer/journal/testing';
import type { ClientConnection } from '@coffer/protocol';
import type { Connections } from '../src/connection/connections.ts';
import { OwnChain } from '../src/login/identity-chain.ts';
import { Chains } from '../src/people/chains.ts';
import { People } from '../src/people/people.ts';
import { PeopleFile } from '../src/people/people-file.ts';
import { codeOf } from './support/code-of.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coffer-people-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const authority = testSigningKey(testRandom(99));

/** What a server may say; every field of it may be a lie. */
interface Shown {
  readonly person: TestAccount;
  readonly username?: string;
  readonly certificate?: Uint8Array | null;
}

function certificateOf(person: TestAccount, username: string | undefined, by: TestSigningKey = authority): Uint8Array {
  const { account, server, state } = person;
  const origin = { v: 1, authority: by.publicKey, server, at: timestampFromMs(0) } as const;
  const named = username === undefined ? {} : { username };
  return makeCertificate({ ...origin, type: 'identity', account, fingerprint: state.fingerprint, ...named }, by.sign);
}

class Scene {
  readonly me = new TestAccount(1);
  readonly shown = new Map<string, Shown>();

  people(): People {
    const own = OwnChain.create(join(folder, 'identity'), this.me.account);
    own.append(this.me.statements);
    return new People({
      connections: this.#connections(),
      chains: new Chains({ folder: join(folder, 'chains'), own }),
      file: new PeopleFile(join(folder, 'people')),
      server: this.me.server,
      authority: authorityFingerprint(authority.publicKey),
    });
  }

  #connections(): Connections {
    const request = async (op: string, message: { username?: string; account?: Uint8Array; after?: number }) => {
      if (op === 'directory.lookUp') {
        const { person, username = message.username } = this.shown.get(message.username ?? '') ?? { person: this.me };
        return { response: { account: person.account, username } };
      }
      const name = [...this.shown].find(([, { person }]) => person.account === message.account)?.[0] ?? '';
      const { person, certificate = null } = this.shown.get(name) ?? { person: this.me };
      return {
        response: { username: name, statements: person.statements.slice(message.after), more: false, certificate },
      };
    };
    const connection = { request } as unknown as ClientConnection;
    return {
      run: (_use: string, work: (one: ClientConnection) => unknown) => work(connection),
    } as unknown as Connections;
  }
}

describe('whom the keys are believed to be', () => {
  test('certified by the pinned authority, under that name', async () => {
    const scene = new Scene();
    const bob = new TestAccount(2);
    scene.shown.set('bob', { person: bob, certificate: certificateOf(bob, 'bob') });
    const found = await scene.people().find('bob');
    expect(found).toMatchObject({ username: 'bob', trust: 'certified' });
    expect(found.fingerprint).toEqual(bob.state.fingerprint);
  });

  const mallory = new TestAccount(3);
  test.each<[string, Uint8Array | null]>([
    ['nobody vouches', null],
    ['the certificate names somebody else', certificateOf(mallory, 'mallory')],
    ['the certificate names nobody', certificateOf(mallory, undefined)],
    ['the certificate is of another authority', certificateOf(mallory, 'bob', testSigningKey(testRandom(5)))],
    ['the certificate is of other keys', certificateOf(new TestAccount(4), 'bob')],
    ['the certificate is damaged', certificateOf(mallory, 'bob').with(40, 1)],
  ])('unverified when %s', async (_why, certificate) => {
    const scene = new Scene();
    scene.shown.set('bob', { person: mallory, certificate });
    await expect(scene.people().find('bob')).resolves.toMatchObject({ trust: 'unverified' });
  });

  test('verified once the words were compared, on this device and later', async () => {
    const scene = new Scene();
    scene.shown.set('bob', { person: new TestAccount(2) });
    const people = scene.people();
    people.verify(await people.find('bob'));
    await expect(scene.people().find('bob')).resolves.toMatchObject({ trust: 'verified' });
  });
});

describe('keys that change', () => {
  test('block until the words are compared again', async () => {
    const scene = new Scene();
    const bob = new TestAccount(2);
    scene.shown.set('bob', { person: bob });
    scene.people().verify(await scene.people().find('bob'));
    bob.rotate();
    const people = scene.people();
    await expect(people.find('bob')).resolves.toMatchObject({ trust: 'changed' });
    await expect(people.find('bob')).resolves.toMatchObject({ trust: 'changed' });
    people.verify(await people.find('bob'));
    await expect(people.find('bob')).resolves.toMatchObject({ trust: 'verified' });
  });

  test('count when the authority vouches for the new ones', async () => {
    const scene = new Scene();
    const bob = new TestAccount(2);
    scene.shown.set('bob', { person: bob, certificate: certificateOf(bob, 'bob') });
    await scene.people().find('bob');
    bob.rotate();
    await expect(scene.people().find('bob')).resolves.toMatchObject({ trust: 'changed' });
    scene.shown.set('bob', { person: bob, certificate: certificateOf(bob, 'bob') });
    await expect(scene.people().find('bob')).resolves.toMatchObject({ trust: 'certified' });
  });

  test('another account under a known name is not the person, verified as somebody else or not', async () => {
    const scene = new Scene();
    const [bob, mallory] = [new TestAccount(2), new TestAccount(3)];
    scene.shown.set('bob', { person: bob, certificate: certificateOf(bob, 'bob') });
    scene.shown.set('mallory', { person: mallory });
    const people = scene.people();
    people.verify(await people.find('bob'));
    people.verify(await people.find('mallory'));
    scene.shown.delete('mallory');
    scene.shown.set('bob', { person: mallory });
    await expect(people.find('bob')).resolves.toMatchObject({ trust: 'changed' });
  });

  test('a chain that does not go on from the one that was seen is a lie', async () => {
    const scene = new Scene();
    const bob = new TestAccount(2);
    bob.enroll();
    scene.shown.set('bob', { person: bob });
    const people = scene.people();
    await people.find('bob');
    const fork = new TestAccount(2);
    fork.rotate();
    fork.rotate();
    Object.defineProperty(fork, 'account', { value: bob.account });
    scene.shown.set('bob', { person: fork });
    expect(await codeOf(scene.people().find('bob'))).toBe('INTEGRITY');
  });

  test('an identity of another server is nobody here', async () => {
    const scene = new Scene();
    scene.shown.set('bob', { person: new TestAccount(2, new Uint8Array(16).fill(8)) });
    expect(await codeOf(scene.people().find('bob'))).toBe('INTEGRITY');
  });
});

describe('what the server answers', () => {
  test('about another name is a lie', async () => {
    const scene = new Scene();
    scene.shown.set('bob', { person: new TestAccount(2), username: 'mallory' });
    expect(await codeOf(scene.people().find('bob'))).toBe('INTEGRITY');
  });

  test('oneself is nobody to share with', async () => {
    const scene = new Scene();
    scene.shown.set('me', { person: scene.me });
    expect(await codeOf(scene.people().find('me'))).toBe('INVALID');
  });

  test('the words are the same on both sides', async () => {
    const scene = new Scene();
    const bob = new TestAccount(2);
    scene.shown.set('bob', { person: bob });
    const people = scene.people();
    const words = people.words(await people.find('bob'));
    expect(words).toHaveLength(12);
    const impostor = new TestAccount(6);
    expect(people.words({ account: bob.account, fingerprint: impostor.state.fingerprint })).not.toEqual(words);
  });
});
