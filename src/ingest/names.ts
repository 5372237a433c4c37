/**
 * Names people type and names there are: the closest ones, for messages; and unique names for columns.
 */

/** Edit distance (Levenshtein), letters compared without case. O(a.length × b.length). */
export function editDistance(a: string, b: string): number {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: right.length + 1 }, (_, j) => j);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const change = left[i - 1] === right[j - 1] ? 0 : 1;
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + change));
    }
    row = next;
  }
  return row[right.length];
}

/** Names so near to the wanted one that it may be a slip, nearest first, at most three. */
export function closestNames(wanted: string, names: readonly string[]): string[] {
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  return names
    .slice(0, 5000)
    .map((name) => ({ name, distance: distance(wanted, name) }))
    .filter((entry) => entry.distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((entry) => entry.name);
}

function distance(wanted: string, name: string): number {
  const [a, b] = [wanted.toLowerCase(), name.toLowerCase()];
  if (a === b) return 0;
  return a.length >= 3 && b.includes(a) ? 1 : editDistance(a, b);
}

/** `Did you mean "x"?` if something is near, else the names there are (the first twenty). */
export function suggestion(wanted: string, names: readonly string[]): string {
  const close = closestNames(wanted, names);
  if (close.length > 0) return `Did you mean ${close.map((name) => `"${name}"`).join(' or ')}?`;
  const shown = names.slice(0, 20).join(', ');
  return `There are: ${shown}${names.length > 20 ? `, and ${names.length - 20} more` : ''}.`;
}

/**
 * Names as they can stand in a schema: trimmed, none empty, none twice. An empty one becomes `column<k>`, counted from
 * 1; a repeated one gets `_2`, `_3`. Says what was changed.
 */
export function uniqueNames(raw: readonly string[]): { names: string[]; notes: string[] } {
  const notes: string[] = [];
  const taken = new Set(raw.map((name) => name.trim()));
  const seen = new Set<string>();
  const names = raw.map((given, index) => {
    const wanted = given.trim() || `column${index + 1}`;
    let name = wanted;
    for (let k = 2; seen.has(name) || (name !== wanted && taken.has(name)); k++) name = `${wanted}_${k}`;
    seen.add(name);
    if (name !== given.trim()) {
      const place = `column ${index + 1}`;
      notes.push(
        given.trim() === ''
          ? `${place} has no name; it is called "${name}"`
          : `the name "${given.trim()}" stands twice; ${place} is called "${name}"`,
      );
    }
    return name;
  });
  return { names, notes };
}
