import { readFileSync } from 'node:fs';
import { DURATION, parseDuration } from '../policy/duration.js';
import type { Finding } from '../policy/lint/finding.js';
import { lintManifest } from '../policy/lint/lint.js';
import { compileTrigger } from '../policy/trigger.js';
import { loadProfiles } from '../server/profiles-folder.js';
import { parsed, print, UsageError, type Command, type ExitCode } from './command.js';

export const lint: Command = {
  name: 'lint',
  summary: 'checks ScaledObject manifests for mistakes around GPU metrics',
  usage: `pilotlight lint FILE... [--strict] [--cold-start 4m] [--scalers DIR] [--json]

Checks Pilotlight's metadata and the well-known KEDA and HPA mistakes, whatever scaler the triggers use;
FILE is - for standard input. Exit 1 on errors, and with --strict on warnings too. docs/lint.md has all rules.`,
  run: (args) => Promise.resolve(runLint(args)),
};

function runLint(args: string[]): ExitCode {
  const { values, positionals } = parsed(args, {
    strict: { type: 'boolean', default: false },
    'cold-start': { type: 'string' },
    scalers: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  if (positionals.length === 0) throw new UsageError('expected at least one FILE');
  const coldStart = coldStartOf(values['cold-start']);
  const profiles = loadProfiles(typeof values['scalers'] === 'string' ? values['scalers'] : undefined);
  const checkMetadata = (metadata: Record<string, string>) => {
    const compiled = compileTrigger(metadata, profiles);
    return compiled.ok ? [] : compiled.problems;
  };
  const context = { profiles, checkMetadata, ...(coldStart === null ? {} : { coldStart }) };
  const findings = positionals.flatMap((file) => lintManifest(contents(file), file, context));
  print(values['json'] === true ? JSON.stringify(findings, null, 2) : report(findings, positionals.length));
  const failing = values['strict'] === true ? findings : findings.filter((each) => each.severity === 'error');
  return failing.length > 0 ? 1 : 0;
}

function coldStartOf(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const coldStart = parseDuration(value);
  if (coldStart === null) throw new UsageError(`--cold-start: got "${value}", expected ${DURATION}`);
  return coldStart;
}

function contents(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function report(findings: readonly Finding[], files: number): string {
  const errors = findings.filter((each) => each.severity === 'error').length;
  const summary = `${counted(errors, 'error')}, ${counted(findings.length - errors, 'warning')} in ${counted(files, 'file')}`;
  return [...findings.map(inText), summary].join('\n');
}

function inText({ file, line, column, severity, code, object, message, reason, fix }: Finding): string {
  const place = `${file}:${line}:${column}: ${severity} ${code}${object === '' ? '' : ` ${object}`}`;
  return `${place}: ${message}\n    Why: ${reason}\n    Fix: ${fix}\n`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
