import { parseManifests, type Manifest, type ManifestProblem } from '../manifest/manifests.js';
import type { Finding } from './finding.js';
import { RULES } from './registry.js';
import type { Fault, Rule } from './rule.js';
import { UNREADABLE } from './rules/manifest.js';
import { subjectOf, type LintContext } from './subject.js';

/**
 * All that is wrong with the ScaledObjects of a YAML file, in the order of its lines. Other objects in the file are
 * passed over. Never throws.
 *
 * @param file only named in the findings: nothing is read from disk
 */
export function lintManifest(text: string, file: string, context: LintContext): Finding[] {
  const { manifests, problems } = parseManifests(text, file);
  const findings = manifests.flatMap((manifest, index) =>
    lintObject(manifest, manifests.slice(0, index), context),
  );
  return [...problems.map(unreadable), ...findings].sort(byPlace);
}

function lintObject(manifest: Manifest, earlier: readonly Manifest[], context: LintContext): Finding[] {
  const subject = subjectOf(manifest, earlier, context);
  return RULES.flatMap((rule) => rule.check(subject).map((fault) => findingOf(rule, fault, manifest)));
}

function findingOf(rule: Rule, fault: Fault, { file, object, lineOf }: Manifest): Finding {
  return {
    code: rule.code,
    severity: fault.severity ?? rule.severity,
    file,
    ...lineOf(fault.path),
    object,
    message: fault.message,
    reason: fault.reason ?? rule.reason,
    fix: fault.fix ?? rule.fix,
  };
}

function unreadable({ file, line, column, object, message }: ManifestProblem): Finding {
  const { code, severity, reason, fix } = UNREADABLE;
  return { code, severity, file, line, column, object, message, reason, fix };
}

function byPlace(a: Finding, b: Finding): number {
  return a.line - b.line || a.column - b.column || a.code.localeCompare(b.code);
}
