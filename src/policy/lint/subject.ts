import type { Millis } from '../../core/time.js';
import { kedaSettings, type KedaSettings } from '../manifest/defaults.js';
import type { Path } from '../manifest/documents.js';
import type { Manifest } from '../manifest/manifests.js';
import { namesProfile, statedMetadata, type StatedMetadata } from '../manifest/our-triggers.js';
import type { ScaledObjectSpec, ScaleTrigger } from '../manifest/scaled-object.js';
import type { MetadataProblem } from '../metadata.js';
import type { Profile } from '../profile.js';
import { selectorsIn, type Expression } from './promql/expression.js';
import { parsePromql } from './promql/parse.js';
import { speaksOfServing } from './serving-metrics.js';

/** What the rules know beyond the manifest. */
export interface LintContext {
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly checkMetadata: (metadata: Readonly<Record<string, string>>) => readonly MetadataProblem[];
  /** From asking for a replica until it serves, where no trigger says; 4 min where this does not either. */
  readonly coldStart?: Millis;
}

/** A ScaledObject as the rules see it. */
export interface Subject {
  readonly manifest: Manifest;
  readonly spec: ScaledObjectSpec;
  readonly settings: KedaSettings;
  readonly triggers: readonly TriggerView[];
  /** A formula replaces the triggers' own metrics, targets and metric types. */
  readonly usesModifiers: boolean;
  /** Whether this is about a model on GPUs at all, as far as names tell. */
  readonly servesModels: boolean;
  /** The ScaledObjects before this one in the same file. */
  readonly earlier: readonly Manifest[];
  readonly context: LintContext;
}

export interface TriggerView {
  readonly index: number;
  readonly trigger: ScaleTrigger;
  readonly ours: OurTrigger | null;
  /**
   * PromQL of KEDA's prometheus scaler, or of a profile that takes its query from the trigger. Null also where the
   * parser cannot read it: then the rules are silent and Prometheus has the word.
   */
  readonly query: QueryView | null;
}

export interface OurTrigger extends StatedMetadata {
  /** The named profiles that exist. */
  readonly profiles: readonly Profile[];
}

export interface QueryView {
  readonly expression: Expression;
  /** Metric names, in the order of writing. */
  readonly metrics: readonly string[];
}

export function subjectOf(manifest: Manifest, earlier: readonly Manifest[], context: LintContext): Subject {
  const { spec } = manifest.scaledObject;
  const modifiers = spec.advanced?.scalingModifiers;
  return {
    manifest,
    spec,
    settings: kedaSettings(spec),
    triggers: spec.triggers.map((trigger, index) => triggerView(trigger, index, context)),
    usesModifiers: (modifiers?.formula ?? '') !== '',
    servesModels: servesModels(spec),
    earlier,
    context,
  };
}

function triggerView(trigger: ScaleTrigger, index: number, { profiles }: LintContext): TriggerView {
  const ours = namesProfile(trigger) ? ourTrigger(trigger, profiles) : null;
  const takesQuery =
    trigger.type === 'prometheus' || ours?.profiles.some((each) => 'fromTrigger' in each.prometheus) === true;
  return { index, trigger, ours, query: takesQuery ? queryView(trigger.metadata['query'] ?? '') : null };
}

function ourTrigger(trigger: ScaleTrigger, profiles: ReadonlyMap<string, Profile>): OurTrigger {
  const metadata = statedMetadata(trigger.metadata);
  const names = (metadata.stated['profile'] ?? '').split(',').map((name) => name.trim());
  return {
    ...metadata,
    profiles: names.flatMap((name) => {
      const profile = profiles.get(name);
      return profile === undefined ? [] : [profile];
    }),
  };
}

function queryView(text: string): QueryView | null {
  const expression = parsePromql(text);
  return expression && { expression, metrics: selectorsIn(expression).map(({ metric }) => metric) };
}

/** Rules about cold starts and the price of a replica do not concern a web shop. */
function servesModels({ scaleTargetRef, triggers }: ScaledObjectSpec): boolean {
  return (
    speaksOfServing(scaleTargetRef.name) ||
    triggers.some(
      (trigger) =>
        namesProfile(trigger) ||
        Object.entries(trigger.metadata).some(
          ([key, value]) => speaksOfServing(key) || speaksOfServing(value),
        ),
    )
  );
}

export function pathOf({ index }: TriggerView, ...rest: Path): Path {
  return ['spec', 'triggers', index, ...rest];
}

/** `trigger 0 (prometheus)`, as KEDA counts: `s0-…`. */
export function called({ index, trigger }: TriggerView): string {
  return trigger.name === undefined
    ? `trigger ${index} (${trigger.type})`
    : `trigger ${trigger.name} (${trigger.type})`;
}
