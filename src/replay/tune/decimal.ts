/** Three digits and no exponent, as the metadata's pattern wants it. */
export function decimal(value: number): string {
  const digits = Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(value))));
  return String(Number(value.toFixed(digits)));
}
