/** Whether Go's strconv.ParseBool, with which KEDA reads such a value, takes the text for false. */
export function saysFalse(text: string | undefined): boolean {
  return text !== undefined && /^(?:0|f|F|false|False|FALSE)$/.test(text);
}
