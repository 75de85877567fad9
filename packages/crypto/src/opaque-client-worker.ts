import { parentPort } from 'node:worker_threads';
import { client, ready } from '@serenity-kit/opaque';
import type { OpaqueJob, OpaqueReply } from './opaque-messages.ts';

/**
 * Argon2id of OPAQUE, fixed by the format version (CRYPTO §Login): t = 3, m = 64 MiB, p = 4, the second recommendation of RFC 9106 §4.
 * Never negotiated: a server that could ask for less would make guessing cheap.
 */
const keyStretching = { 'argon2id-custom': { iterations: 3, memory: 64 * 1024, parallelism: 4 } };

await ready;

parentPort?.on('message', ({ number, job }: { readonly number: number; readonly job: OpaqueJob }) => {
  parentPort?.postMessage(reply(number, job));
});

function reply(number: number, job: OpaqueJob): OpaqueReply {
  try {
    return { job: number, result: run(job) };
  } catch (error) {
    return { job: number, result: [], error: error instanceof Error ? error.name : 'unknown' };
  }
}

function run(job: OpaqueJob): OpaqueReply['result'] {
  switch (job.kind) {
    case 'startRegistration':
      return startRegistration(job);
    case 'startLogin':
      return startLogin(job);
    case 'finishRegistration':
      return finishRegistration(job);
    case 'finishLogin':
      return finishLogin(job);
    default:
      throw new TypeError('not a job of this thread');
  }
}

type Job<Kind extends OpaqueJob['kind']> = Extract<OpaqueJob, { readonly kind: Kind }>;

function startRegistration({ password }: Job<'startRegistration'>): OpaqueReply['result'] {
  const started = client.startRegistration({ password });
  return [started.registrationRequest, started.clientRegistrationState];
}

function finishRegistration(job: Job<'finishRegistration'>): OpaqueReply['result'] {
  const { password, state, response, identifiers } = job;
  const halves = { registrationResponse: response, clientRegistrationState: state };
  const finished = client.finishRegistration({ password, identifiers, keyStretching, ...halves });
  return [finished.registrationRecord, finished.exportKey];
}

function startLogin({ password }: Job<'startLogin'>): OpaqueReply['result'] {
  const started = client.startLogin({ password });
  return [started.startLoginRequest, started.clientLoginState];
}

function finishLogin(job: Job<'finishLogin'>): OpaqueReply['result'] {
  const { password, state, response, identifiers } = job;
  const halves = { loginResponse: response, clientLoginState: state };
  const finished = client.finishLogin({ password, identifiers, keyStretching, ...halves });
  return [finished?.finishLoginRequest, finished?.sessionKey, finished?.exportKey];
}
