/** Everything that an asynchronous iterable yields: Node 20 has no `Array.fromAsync`. */
export async function collect(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}
