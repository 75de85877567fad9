import { parentPort, workerData } from 'node:worker_threads';
import { ready, server } from '@serenity-kit/opaque';
import {
  opaqueReady,
  type OpaqueAnswer,
  type OpaqueQuestion,
  type OpaqueReply,
  type OpaqueRequest,
  type OpaqueWorkerData,
} from './opaque-messages.ts';

const { setup, server: serverName } = workerData as OpaqueWorkerData;

await ready;
// Throws on a setup that is none, which ends the worker: better now than at the first login.
server.getPublicKey(setup);
parentPort?.postMessage(opaqueReady);

parentPort?.on('message', ({ id, question }: OpaqueRequest) => {
  const reply: OpaqueReply = { id, answer: answerOrNothing(question) };
  parentPort?.postMessage(reply);
});

/** The library throws text on malformed bytes; what exactly it disliked is nobody's business outside. */
function answerOrNothing(question: OpaqueQuestion): OpaqueAnswer | undefined {
  try {
    return answer(question);
  } catch {
    return undefined;
  }
}

function answer(question: OpaqueQuestion): OpaqueAnswer {
  const identifiers = { client: question.account, server: serverName };
  if (question.kind === 'register') return register(question.account, question.request);
  if (question.kind === 'start') {
    const { serverLoginState, loginResponse } = server.startLogin({
      serverSetup: setup,
      userIdentifier: question.account,
      registrationRecord: question.record,
      startLoginRequest: question.request,
      identifiers,
    });
    return { kind: 'start', state: serverLoginState, response: loginResponse };
  }
  return { kind: 'finish', sessionKey: finish(question.state, question.finish, identifiers) };
}

function register(account: string, request: string): OpaqueAnswer {
  const { registrationResponse } = server.createRegistrationResponse({
    serverSetup: setup,
    userIdentifier: account,
    registrationRequest: request,
  });
  return { kind: 'register', response: registrationResponse };
}

function finish(state: string, request: string, identifiers: { client: string; server: string }): string | undefined {
  try {
    return server.finishLogin({ serverLoginState: state, finishLoginRequest: request, identifiers }).sessionKey;
  } catch {
    return undefined;
  }
}
