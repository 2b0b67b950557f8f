/** Kubernetes' alphabet for generated names: no vowels and nothing that looks alike. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** `NAME-<pod template hash>-<id>`, each id once: the same names in each run. */
export function podNames(deployment: string): () => string {
  const hash = words(seedOf(deployment), 9);
  let count = 0;
  return () => {
    count += 1;
    // 27^5 is prime to the factor, so that no id comes twice in 14 million.
    return `${deployment}-${hash}-${words((count * 5_923_441 + seedOf(deployment)) % 27 ** 5, 5)}`;
  };
}

function seedOf(text: string): number {
  let seed = 7;
  for (const character of text) seed = (seed * 131 + character.charCodeAt(0)) % 7_625_597_484_987;
  return seed;
}

function words(number: number, length: number): string {
  let rest = number;
  let text = '';
  for (let i = 0; i < length; i += 1) {
    text += ALPHABET[rest % 27] ?? '';
    rest = Math.floor(rest / 27);
  }
  return text;
}
