import { z } from 'zod';
import { CapacityConfigError, parseCapacityConfig, type CapacityConfig } from '../policy/capacity-config.js';
import { DURATION, parseDuration } from '../policy/duration.js';
import { nearest } from '../policy/nearest.js';
import { masked } from './masked.js';

/**
 * All settings of the server, in one table: flag, environment (`PILOTLIGHT_` and the name in capitals), configuration
 * file and default come from the same schema. Flags win over the environment, that over the file, that over defaults.
 */

const hasPort = (text: string) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535;
const address = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:.]+\]|[^:\s]*):\d{1,5}$/)
  .refine(hasPort)
  .describe('HOST:PORT, such as 0.0.0.0:50051');
const url = z.url({ protocol: /^https?$/ }).describe('an http or https URL');
const file = z.string().min(1).describe('the path of a file');
const folder = z.string().min(1).describe('the path of a folder');
const duration = z
  .string()
  .transform((text, context) => {
    const parsed = parseDuration(text);
    if (parsed !== null && parsed > 0) return parsed;
    context.addIssue({ code: 'custom', message: 'duration' });
    return z.NEVER;
  })
  .describe(DURATION);
const flag = z
  .union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')])
  .describe('true or false');
const byCommas = (value: unknown) =>
  typeof value === 'string' ? value.split(',').map((each) => each.trim()) : [value];
/** Repeated, with commas, or both. @param whole repeated alone: an item may have commas of its own */
const list = <T extends z.ZodType>(item: T, whole: 'whole' | null = null) =>
  z.preprocess((value) => {
    if (!Array.isArray(value)) return typeof value === 'string' ? byCommas(value) : value;
    return whole === null ? value.flatMap(byCommas) : value;
  }, z.array(item));

export const settingsSchema = z.strictObject({
  grpcListen: address.default('0.0.0.0:50051'),
  httpListen: address.default('0.0.0.0:8080'),
  prometheus: url.optional(),
  allowPrometheus: list(url).default([]),
  prometheusUsername: z.string().min(1).describe('a user name').optional(),
  prometheusPasswordFile: file.optional(),
  prometheusTokenFile: file.optional(),
  prometheusCa: file.optional(),
  prometheusCert: file.optional(),
  prometheusKey: file.optional(),
  prometheusHeader: list(
    z
      .string()
      .regex(/^[A-Za-z0-9-]+=.+$/)
      .describe('NAME=VALUE'),
    'whole',
  ).default([]),
  rateWindow: z
    .string()
    .regex(/^[1-9]\d*[sm]$/)
    .describe('a PromQL duration such as 1m')
    .default('1m'),
  queryNamespaceLabel: z
    .string()
    .regex(/^[a-zA-Z_]\w*$/)
    .describe('a label name')
    .default('namespace'),
  scrapeTargets: file.optional(),
  redis: z
    .url({ protocol: /^rediss?$/ })
    .describe('a redis or rediss URL')
    .optional(),
  allowQueue: list(
    z
      .string()
      .regex(/^[a-z0-9-]+=[^=\s]+$/)
      .describe('NAMESPACE=PREFIX:NAME'),
  ).default([]),
  kubeconfig: file.optional(),
  noCluster: flag.default(false),
  namespaces: list(
    z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
      .describe('namespaces such as team-a,team-b'),
  ).optional(),
  scalerAddress: list(
    z
      .string()
      .regex(/^[^\s:]+:\d{1,5}$/)
      .refine(hasPort)
      .describe('HOST:PORT as in the scalerAddress of ScaledObjects'),
  ).optional(),
  noEvents: flag.default(false),
  scalers: folder.optional(),
  stateDir: folder.optional(),
  noWarmUps: flag.default(false),
  tick: duration.default(5000),
  tlsCert: file.optional(),
  tlsKey: file.optional(),
  tlsClientCa: file.optional(),
  tokenFile: file.optional(),
  decisionLog: file.optional(),
  reflection: flag.default(false),
  drain: duration.default(10_000),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .describe('debug, info, warn, error or silent')
    .default('info'),
});

type Table = z.infer<typeof settingsSchema>;
type Name = keyof Table;
/** `gpu` is of the configuration file alone: no flag could say it. */
export type Settings = Table & { readonly gpu?: CapacityConfig };

/** One line of help each, in the order of the table. */
export const SETTING_HELP: Readonly<Record<Name, string>> = {
  grpcListen: 'where KEDA calls',
  httpListen: 'health, metrics and the admin API',
  prometheus: 'the Prometheus to read (or Mimir, Thanos, VictoriaMetrics)',
  allowPrometheus: 'another that triggers may name in prometheusAddress; repeatable',
  prometheusUsername: 'for basic authentication',
  prometheusPasswordFile: 'read again when it changes',
  prometheusTokenFile: 'bearer token, read again when it changes',
  prometheusCa: 'authorities of the Prometheus, PEM',
  prometheusCert: 'client certificate for the Prometheus, PEM',
  prometheusKey: 'its key',
  prometheusHeader: 'such as X-Scope-OrgID=team-a; repeatable',
  rateWindow: 'window of rates; at least four scrape intervals',
  queryNamespaceLabel: "the label that confines triggers' own queries to their namespace",
  scrapeTargets: 'endpoints to scrape directly, in the format of Prometheus file_sd',
  redis: 'warm-ups shared by all replicas of the scaler, and backlogs of BullMQ queues',
  allowQueue: 'a queue that a namespace may read besides its own; repeatable',
  kubeconfig: 'the cluster to read; in a pod its service account says so',
  noCluster: 'do without the Kubernetes API',
  namespaces: 'those to read, where rights do not reach further; all unless given; repeatable',
  scalerAddress: 'where KEDA reaches this scaler, to tell its ScaledObjects from those of others; repeatable',
  noEvents: 'write no events of ScaledObjects',
  scalers: 'a folder of further profiles',
  stateDir: 'for what outlives a restart, such as warm-ups where there is no --redis',
  noWarmUps: 'do without warm-ups: announcements and wakes are then kept in memory',
  tick: 'how often all workloads are evaluated',
  tlsCert: "the scaler's certificate, PEM, read again when it changes",
  tlsKey: 'its key',
  tlsClientCa: 'clients must show a certificate of this authority',
  tokenFile: 'bearer token for the admin API from elsewhere than loopback',
  decisionLog: 'every decision with all it was made from, as JSON lines',
  reflection: 'gRPC server reflection',
  drain: 'grace for calls in flight at shutdown',
  logLevel: 'debug, info, warn, error or silent',
};

export const SETTING_NAMES = Object.keys(settingsSchema.shape) as Name[];

/** `grpcListen` → `grpc-listen`. */
export function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `grpcListen` → `PILOTLIGHT_GRPC_LISTEN`. */
export function environmentOf(name: string): string {
  return `PILOTLIGHT_${flagOf(name).replaceAll('-', '_').toUpperCase()}`;
}

export function isSwitch(name: Name): boolean {
  return name === 'noCluster' || name === 'noEvents' || name === 'noWarmUps' || name === 'reflection';
}

export function isRepeatable(name: Name): boolean {
  return ['allowPrometheus', 'prometheusHeader', 'allowQueue', 'namespaces', 'scalerAddress'].includes(name);
}

/** A setting that cannot be used: which, where it was given, what it was and what was expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

export interface SettingsLayers {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The parsed configuration file, with its name for messages. */
  readonly file: { readonly path: string; readonly values: unknown } | null;
}

/** @throws SettingsError naming every wrong setting */
export function resolveSettings(layers: SettingsLayers): Settings {
  const { gpu, ...fromFile } = fileValues(layers.file);
  const origin = new Map<string, string>();
  const merged: Record<string, unknown> = {};
  const take = (name: string, value: unknown, from: string) => {
    if (value === undefined || value === '') return;
    merged[name] = value;
    origin.set(name, from);
  };
  for (const [name, value] of Object.entries(fromFile))
    take(name, value, `${layers.file?.path ?? ''}: ${name}`);
  for (const name of SETTING_NAMES) take(name, layers.environment[environmentOf(name)], environmentOf(name));
  for (const [name, value] of Object.entries(layers.flags)) take(name, value, `--${flagOf(name)}`);
  const parsed = settingsSchema.safeParse(merged);
  if (!parsed.success)
    throw new SettingsError(parsed.error.issues.map((issue) => faultOf(issue, merged, origin)).join('\n'));
  const settings = checked(parsed.data);
  return gpu === undefined ? settings : { ...settings, gpu: capacityOf(gpu, layers.file?.path ?? '') };
}

function capacityOf(values: unknown, path: string): CapacityConfig {
  try {
    return parseCapacityConfig(values, `${path}: gpu`);
  } catch (error) {
    if (!(error instanceof CapacityConfigError)) throw error;
    throw new SettingsError(error.message, { cause: error });
  }
}

/** For `--print-config`: what the server would run with, in the form that a configuration file takes. */
export function printableSettings(settings: Settings): Record<string, unknown> {
  return {
    ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, masked(name, value)])),
    tick: `${settings.tick / 1000}s`,
    drain: `${settings.drain / 1000}s`,
  };
}

function fileValues(layer: SettingsLayers['file']): Record<string, unknown> {
  if (layer === null || layer.values === null || layer.values === undefined) return {};
  if (typeof layer.values !== 'object' || Array.isArray(layer.values)) {
    throw new SettingsError(`${layer.path}: expected settings such as "tick: 5s"`);
  }
  return layer.values as Record<string, unknown>;
}

function faultOf(
  issue: z.core.$ZodIssue,
  merged: Record<string, unknown>,
  origin: Map<string, string>,
): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${origin.get(key) ?? key}: no such setting${guess(key)}`).join('\n');
  }
  const name = String(issue.path[0] ?? '');
  const value = JSON.stringify(masked(name, merged[name]));
  return `${origin.get(name) ?? name}: got ${value}, expected ${expectationOf(name)}`;
}

function guess(name: string): string {
  const near = nearest(name, [...SETTING_NAMES, 'gpu']);
  return near === null ? '' : `; did you mean ${near}?`;
}

function expectationOf(name: string): string {
  let schema = settingsSchema.shape[name as Name] as z.ZodType | undefined;
  while (schema !== undefined && schema.description === undefined) {
    if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
      schema = schema.unwrap() as z.ZodType;
    else if (schema instanceof z.ZodPipe) schema = schema.out as z.ZodType;
    else if (schema instanceof z.ZodArray) schema = schema.element as z.ZodType;
    else return 'another value';
  }
  return schema?.description ?? 'another value';
}

/** Settings that only make sense together. */
function checked(settings: Table): Table {
  if ((settings.tlsCert === undefined) !== (settings.tlsKey === undefined)) {
    throw new SettingsError('--tls-cert and --tls-key: expected both or neither');
  }
  if (settings.tlsClientCa !== undefined && settings.tlsCert === undefined) {
    throw new SettingsError('--tls-client-ca: expected --tls-cert and --tls-key beside it');
  }
  if (settings.noCluster && settings.kubeconfig !== undefined) {
    throw new SettingsError('--kubeconfig and --no-cluster: expected one of them');
  }
  return settings;
}
