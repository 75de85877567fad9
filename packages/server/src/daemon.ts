import { dayMs, secondMs, type Clock, type Logger, type Random } from '@coffer/core';
import { protocolLimits, type ProtocolLimits } from '@coffer/protocol';
import { readIdentity, Storage } from '@coffer/storage';
import { adminTasks } from './admin/admin-tasks.ts';
import { Alerts } from './alerts/alerts.ts';
import { FailedLogins } from './alerts/failed-logins.ts';
import type { ServerConfig } from './config/server-config.ts';
import { WatchHub } from './events/watch-hub.ts';
import { isLive, type Services } from './handlers/services.ts';
import { HttpApp, type Readiness } from './http/http-app.ts';
import type { Audit } from './log/audit.ts';
import { AuditHeadStore } from './log/audit-heads.ts';
import type { AuditTrail } from './log/audit-log.ts';
import { LocalAudit } from './log/local-audit.ts';
import { LoginGuard, type LoginAlert, type LoginLimits } from './login/login-guard.ts';
import { OpaqueServer } from './login/opaque-server.ts';
import { readOpaqueSetup } from './login/opaque-setup.ts';
import { Listener, type ListenerLimits } from './net/listener.ts';
import { loadTlsCredentials, type TlsCredentials } from './net/tls-credentials.ts';
import { ChangeDigest } from './notifications/change-digest.ts';
import { Notifications } from './notifications/notifications.ts';
import { QuotaNotices } from './notifications/quota-notices.ts';
import { Identities } from './rights/identities.ts';
import { VaultRoles } from './rights/vault-roles.ts';
import { Scheduler, type SchedulerDeps } from './schedule/scheduler.ts';
import { TaskRecords, type TaskName } from './schedule/task-record.ts';
import { CofferConnections } from './session/coffer-connections.ts';
import type { Interposer } from './session/interposer.ts';
import { Sessions } from './session/sessions.ts';

/** From accept to the end of the TLS handshake (PROTOCOL §Limits). */
const handshakeMs = 5 * secondMs;
/** One HTTPS request, from handshake to answer. */
const httpMs = 15 * secondMs;
/** What runs when the daemon is told to stop may take this long; with the last words of what is cut off, ten seconds in all (CLI §Server). */
const drainMs = 7.5 * secondMs;
/** When clients should come back after a restart. */
const reconnectAfterMs = 2 * secondMs;
/** Renewal is due from here on. */
const expiryWarningMs = 30 * dayMs;

export interface DaemonDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly audit: Audit;
  /** The same, when it lies in files whose chains are kept up. */
  readonly trail?: AuditTrail;
  /** The storage or the login worker failed for good: stop and exit non-zero. */
  readonly onFatal: (error: unknown) => void;
  /** Something that a person should know now, beside the log. */
  readonly warn?: (text: string) => void;
  /** For tests: other deadlines than the protocol's. */
  readonly limits?: Partial<ProtocolLimits>;
  /** For tests: makes it lie. */
  readonly interposer?: Interposer;
}

interface DaemonParts {
  readonly services: Services;
  readonly connections: CofferConnections;
  readonly listener: Listener;
}

/** The whole server behind one port. Opened completely or not at all. */
export class Daemon implements AsyncDisposable {
  readonly #deps: DaemonDeps;
  readonly #stack = new AsyncDisposableStack();
  readonly #background = new Set<Promise<void>>();
  #config: ServerConfig;
  #credentials: TlsCredentials;
  #parts: DaemonParts | undefined;
  readonly #stopping = new AbortController();

  /**
   * @throws NOT_FOUND (no storage), CERTIFICATE, CONFIG, LOCKED, PORT_IN_USE, DAMAGED, UPGRADE_REQUIRED, NO_SPACE, IO;
   *   nothing is left open then
   */
  static async open(config: ServerConfig, deps: DaemonDeps): Promise<Daemon> {
    // Cheap checks first: recovering a storage may take seconds.
    await readIdentity(config.storage.path);
    const credentials = await loadTlsCredentials(config.certs.path, deps.clock);
    const setup = await readOpaqueSetup(config.storage.path);
    await using building = new AsyncDisposableStack();
    const daemon = building.use(new Daemon(config, deps, credentials));
    await daemon.#start(setup);
    building.move();
    return daemon;
  }

  private constructor(config: ServerConfig, deps: DaemonDeps, credentials: TlsCredentials) {
    this.#config = config;
    this.#deps = deps;
    this.#credentials = credentials;
  }

  /** Where it listens, as a person writes it. */
  get address(): string {
    const { host } = this.#config.listen;
    return `${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  get port(): number {
    return this.#parts?.listener.port ?? 0;
  }

  /**
   * Takes over the certificates, and the settings that may change while it runs; names the others in the log.
   * @throws CERTIFICATE; then everything stays as it was
   */
  async reload(config: ServerConfig): Promise<void> {
    const credentials = await loadTlsCredentials(config.certs.path, this.#deps.clock);
    for (const setting of needRestart(this.#config, config)) {
      this.#deps.logger.warn({ setting }, 'this setting takes effect with the next start');
    }
    const { host, port } = this.#config.listen;
    this.#config = { ...this.#config, ...pick(config), listen: { ...config.listen, host, port } };
    this.#credentials = credentials;
    this.#parts?.listener.reload(credentials, this.#listenerLimits());
    this.#parts?.services.guard.setLimits(loginLimits(config));
    this.#parts?.services.sessions.setLimits(config.listen);
    this.#warnOfExpiry();
    this.#deps.logger.info({}, 'settings and certificates were read again');
  }

  /** No new connections or requests; resolves when what runs is finished, or its time is over. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    this.#parts?.listener.stopAccepting();
    this.#parts?.services.scheduler.stop();
    const done = new AbortController();
    const enough = this.#deps.clock.sleep(drainMs, done.signal).catch(() => undefined);
    await Promise.race([this.#parts?.connections.goAway('the server is stopping', reconnectAfterMs), enough]);
    done.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#parts?.listener.stopAccepting();
    // Before their sockets are cut: clients are told why.
    await this.#parts?.connections[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }

  async #start(setup: string): Promise<void> {
    const services = await this.#openServices(setup);
    const { clock, logger, interposer } = this.#deps;
    const limits = (): ProtocolLimits => this.#protocolLimits();
    const connections = this.#stack.use(new CofferConnections(services, { limits, ...(interposer && { interposer }) }));
    const http = this.#stack.use(
      new HttpApp({ clock, readiness: () => this.#readiness(services) }, { connectionMs: httpMs }),
    );
    const { host, port } = this.#config.listen;
    const options = { host, port, credentials: this.#credentials, limits: this.#listenerLimits() };
    const listener = await Listener.open(options, {
      clock,
      logger,
      onCoffer: (socket, address) => connections.serve(socket, address),
      onHttp: (socket) => http.serve(socket),
    });
    this.#stack.use(listener);
    this.#parts = { services, connections, listener };
    services.scheduler.begin();
    this.#warnOfExpiry();
  }

  async #openServices(setup: string): Promise<Services> {
    const { clock, random, logger, audit, onFatal } = this.#deps;
    const { path, packBytes, reserve } = this.#config.storage;
    const { retention } = this.#config;
    const options = { path, packBytes, reserve, retention, memberShare: () => this.#config.quota.member };
    const storage = this.#stack.use(await Storage.open({ ...options, clock, random, logger, onFatal }));
    this.#stack.defer(async () => void (await Promise.all(this.#background)));
    const opaque = this.#stack.use(await OpaqueServer.open({ setup, server: storage.serverId, onFatal }));
    const { accounts } = storage;
    const identities = new Identities(accounts);
    const roles = new VaultRoles({ storage, accounts });
    const live: Pick<Services, 'accounts' | 'identities'> = { accounts, identities };
    const sessions = new Sessions(
      { clock, logger, isLive: (account, device, authEpoch) => isLive(live, account, device, authEpoch) },
      this.#config.listen,
    );
    this.#stack.use(sessions);
    const notifications = new Notifications({ accounts, sessions, logger });
    const alerts = new Alerts({ accounts, notifications, logger });
    await this.#anchorAudit(accounts, alerts);
    this.#stack.use(LocalAudit.begin({ ...this.#deps, accounts }));
    const failedLogins = new FailedLogins({ clock, accounts, notifications, alerts });
    const onAlert = (alert: LoginAlert): void => this.#inBackground(failedLogins.tell(alert, this.#stopping.signal));
    const guard = new LoginGuard({ clock, audit, onAlert }, loginLimits(this.#config));
    const hub = new WatchHub();
    const settings = () => ({
      registration: this.#config.registration,
      dataFrameBytes: this.#config.limits.frameBytes,
      changePolicy: this.#config.passwords.changePolicy,
      defaultQuotaBytes: this.#config.quota.default,
    });
    const records = new TaskRecords(accounts);
    const tasks = adminTasks({ storage, clock }, this.#config);
    // Closed before the storage: what runs there ends first.
    const onEnd: SchedulerDeps['onEnd'] = (task, status, counts) => this.#taskEnded(alerts, { task, status, counts });
    const scheduler = this.#stack.use(await Scheduler.open({ clock, logger, records, tasks, onEnd }));
    const quotaNotices = new QuotaNotices({ storage, notifications, logger });
    const stopping = this.#stopping.signal;
    const auditing = { audit, trail: this.#deps.trail, auditFolder: this.#config.logs.path };
    const changeDigest = new ChangeDigest({ clock, notifications, stopping });
    const told = { notifications, alerts, quotaNotices, changeDigest };
    const parts = { storage, storagePath: path, scheduler, opaque, guard, roles, sessions, hub, ...told, stopping };
    return { ...live, ...parts, ...auditing, logger, clock, random, settings };
  }

  /** Told while it goes on; ended before the storage is closed. */
  #inBackground(work: Promise<void>): void {
    const watched = work.catch((error: unknown) =>
      this.#deps.logger.error({ reason: String(error) }, 'somebody could not be told'),
    );
    this.#background.add(watched);
    void watched.finally(() => this.#background.delete(watched));
  }

  #taskEnded(
    alerts: Alerts,
    { task, status, counts }: { task: TaskName; status: string; counts: Readonly<Record<string, number>> },
  ): void {
    if (status !== 'OK') this.#inBackground(alerts.raise({ kind: 'task-failed', word: task }));
    const damaged = task === 'scrub' ? (counts['findings'] ?? 0) : 0;
    if (damaged > 0) this.#inBackground(alerts.raise({ kind: 'damage', word: task, figure: damaged }));
  }

  async #anchorAudit(accounts: Storage['accounts'], alerts: Alerts): Promise<void> {
    const { trail, logger } = this.#deps;
    if (trail === undefined) return;
    // Closed before the storage: it writes the heads there once more.
    const { gaps } = this.#stack.use(await trail.anchor(new AuditHeadStore(accounts)));
    for (const { category, why, head, found } of gaps) {
      await alerts.raise({ kind: 'audit-changed', word: category, figure: head.seq });
      logger.error({ category, why, expected: head.seq, found }, 'the audit log was changed while the server was down');
    }
  }

  #listenerLimits(): ListenerLimits {
    const { maxConnections, maxPerAddress } = this.#config.listen;
    return { maxConnections, maxPerAddress, handshakeMs };
  }

  #protocolLimits(): ProtocolLimits {
    const { limits, sessions } = this.#config;
    return {
      ...protocolLimits,
      dataFrameBytes: limits.frameBytes,
      connectionBufferBytes: limits.bufferBytes,
      totalBufferBytes: limits.totalBufferBytes,
      idleMs: sessions.idle,
      lifetimeMs: sessions.lifetime,
      ...this.#deps.limits,
    };
  }

  async #readiness({ storage }: Services): Promise<Readiness> {
    const certificateDays = Math.floor((this.#credentials.expiresAtMs - this.#deps.clock.nowMs()) / dayMs);
    if (this.#stopping.signal.aborted) return { ready: false, reason: 'SHUTTING_DOWN', certificateDays };
    const { ready, writable } = await storage.status();
    if (ready && writable) return { ready: true, certificateDays };
    return { ready: false, reason: ready ? 'NO_SPACE' : 'IO', certificateDays };
  }

  #warnOfExpiry(): void {
    const { expiresAtMs, certificate } = this.#credentials;
    if (expiresAtMs - this.#deps.clock.nowMs() > expiryWarningMs) return;
    const text = `the certificate expires on ${certificate.validTo}: run scripts/generate-certificates, then send SIGHUP`;
    this.#deps.logger.warn({ expires: certificate.validTo }, text);
    this.#deps.warn?.(text);
  }
}

/** What a reload takes over; `listen.max*` beside. */
function pick({ sessions, login, registration, logs, quota, retention, passwords, certs }: ServerConfig) {
  return { sessions, login, registration, logs, quota, retention, passwords, certs };
}

function needRestart(before: ServerConfig, after: ServerConfig): string[] {
  const fixed = ({ listen, limits, storage, schedule, logs }: ServerConfig): Record<string, unknown> => ({
    'listen.host': listen.host,
    'listen.port': listen.port,
    'storage.path': storage.path,
    'storage.packBytes': storage.packBytes,
    'storage.reserve': storage.reserve,
    'limits.totalBufferBytes': limits.totalBufferBytes,
    'limits.bufferBytes': limits.bufferBytes,
    'limits.frameBytes': limits.frameBytes,
    'logs.path': logs.path,
    'logs.maxBytes': logs.maxBytes,
    'logs.keep': logs.keep,
    schedule: JSON.stringify(schedule),
  });
  const [old, now] = [fixed(before), fixed(after)];
  return Object.keys(old).filter((name) => old[name] !== now[name]);
}

function loginLimits({ login }: ServerConfig): LoginLimits {
  const { attemptsPerHour, addressPerHour, alertAfter, alertWindow } = login;
  return { attemptsPerHour, addressPerHour, alertAfter, alertWindowMs: alertWindow };
}
