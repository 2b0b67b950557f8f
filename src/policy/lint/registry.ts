import type { Rule } from './rule.js';
import { forecastRules } from './rules/forecast.js';
import { hpaRules } from './rules/hpa.js';
import { manifestRules } from './rules/manifest.js';
import { metadataRules } from './rules/metadata.js';
import { metricTypeRules } from './rules/metric-type.js';
import { queryRules } from './rules/query.js';
import { timeRules } from './rules/times.js';
import { zeroRules } from './rules/zero.js';

/**
 * All rules by code. PL00x manifest, PL01x trigger settings, PL02x metric type, PL03x query, PL04x zero, PL05x HPA,
 * PL06x operation. A code is never given to another rule, also not after its rule is gone.
 */
export const RULES: readonly Rule[] = [
  ...manifestRules,
  ...metadataRules,
  ...timeRules,
  ...metricTypeRules,
  ...queryRules,
  ...zeroRules,
  ...hpaRules,
  ...forecastRules,
].sort((a, b) => a.code.localeCompare(b.code));
