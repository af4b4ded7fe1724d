// The report that the page carries, and how values are found in it.

export const report = JSON.parse(document.getElementById("report").textContent);

// The value at a path of names and indices with points between them ("layers.3.macs"); undefined if it is absent.
export function at(path) {
  let value = report;
  for (const step of path.split(".")) {
    if (value === null || value === undefined) return undefined;
    value = value[step];
  }
  return value;
}

export function has(path) {
  const value = at(path);
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

// The list at a path; an empty one if there is none.
export function list(path) {
  const value = at(path);
  return Array.isArray(value) ? value : [];
}
