/** The parts of a check's name: `http:portal` is the target `portal` of the kind `http`. */
export function checkParts(name: string): { kind: string; target: string | null } {
  const colon = name.indexOf(':');
  return colon === -1 ? { kind: name, target: null } : { kind: name.slice(0, colon), target: name.slice(colon + 1) };
}
