import { RULES } from './registry.js';
import type { Rule } from './rule.js';

const INTRODUCTION = `# Lint rules

<!-- Generated from src/policy/lint; do not edit. -->

\`pilotlight lint FILE…\` checks ScaledObject manifests: Pilotlight’s metadata, and the well-known KEDA and HPA mistakes
around GPU metrics, whatever scaler the triggers use. An _error_ is refused by KEDA or cannot do what it says; a
_warning_ works until something fails, or at a price. Codes are stable: a code is never given to another rule.
`;

const LIMITS = `## What lint does not see

- Manifests are read as they are: Helm and Kustomize have to be rendered first.
- Fields that lint does not know are left to KEDA’s own validation. Values that KEDA takes from the environment
  (\`xFromEnv\`) are unknown, and nothing is concluded from them.
- PromQL is parsed, not run. Rules about how many series a query returns and what it measures know the metrics of
  Triton, TGI, vLLM, SGLang and DCGM, and names that end in words such as \`_utilization\`; of other metrics nothing is said,
  nor of a query that cannot be parsed. A product of two metrics is taken for what its author meant.
- Where a formula (\`scalingModifiers\`) replaces the triggers’ metrics, the rules about metric types are silent.
- Whether a ScaledObject serves models on GPUs is told by names; rules about cold starts and the price of a replica
  are for those alone.
`;

/** The rules as a Markdown page, from the same registry that checks. */
export function lintReference(): string {
  const rows = RULES.map(
    ({ code, title, severity }) => `| [${code}](#${anchor(code, title)}) | ${severity} | ${title} |`,
  );
  const table = ['| code | severity | what |', '| --- | --- | --- |', ...rows].join('\n');
  return [INTRODUCTION, table, ...RULES.map(section), LIMITS]
    .map((part) => part.trim())
    .join('\n\n')
    .concat('\n');
}

function section({ code, title, severity, reason, fix, source }: Rule): string {
  return [`## ${code}: ${title}`, `_${severity}._ ${reason}`, `**Fix.** ${fix}`, `Source: ${source}.`].join(
    '\n\n',
  );
}

/** As GitHub and most renderers make anchors of headings. */
function anchor(code: string, title: string): string {
  return `${code}: ${title}`
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s-]/gu, '')
    .replaceAll(/\s/g, '-');
}
