"use strict";
/* Features as data: columns are unpacked when a shard comes in. */
otoscope.features = (() => {
  const TYPES = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, f: Float32Array };

  function unpack(text) {
    const raw = atob(text.slice(1));
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
    return new TYPES[text[0]](bytes.buffer);
  }

  /* The same value with every {packed: text} as a typed array, every list of sounds as addresses. */
  function unpacked(value) {
    if (value === null || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map(unpacked);
    if (typeof value.packed === "string") return unpack(value.packed);
    const found = {};
    for (const [name, inner] of Object.entries(value)) found[name] = unpacked(inner);
    if (typeof found.stems === "string") {
      const stems = found.stems ? found.stems.split(" ") : [];
      found.at = (i) => (found.ids[i] ? found.folder + stems[found.ids[i] - 1] + found.suffix : null);
    }
    return found;
  }

  const known = new WeakMap();
  async function load(name) {
    const shard = await otoscope.shard(name);
    if (!known.has(shard)) known.set(shard, unpacked(shard));
    return known.get(shard);
  }

  /* Where the run of each entry begins, for runs of these lengths. */
  function starts(lengths) {
    const found = new Uint32Array(lengths.length + 1);
    for (let i = 0; i < lengths.length; i += 1) found[i + 1] = found[i] + lengths[i];
    return found;
  }

  /* The words of row `i` of a column of phrases. */
  function phrase(column, i) {
    if (!column.starts) column.starts = starts(column.counts);
    return Array.from(column.ids.subarray(column.starts[i], column.starts[i + 1]), (id) => column.names[id]).join(" ");
  }

  const text = (column, i) => column.names[column.ids[i]];

  /* The segments of one feature, the strongest first. */
  function segmentsOf(unit, feature) {
    const table = unit.segments;
    const found = [];
    if (!table) return found;
    for (let rank = 0; rank < table.k; rank += 1) {
      const at = feature * table.k + rank;
      const i = table.ids[at] - 1;
      if (i < 0) continue;
      found.push({
        rank: rank + 1, score: table.scores[at], utterance: text(table.utterance, i), speaker: text(table.speaker, i),
        sex: text(table.sex, i), label: text(table.label, i), words: phrase(table.words, i), phones: phrase(table.phones, i),
        start: table.start[i], end: table.end[i], sound: table.sound.at(i),
      });
    }
    return found;
  }

  /* The most common labels of one feature's segments, with what the corpus has. */
  function labelsOf(table, feature) {
    const found = [];
    for (let rank = 0; rank < table.k; rank += 1) {
      const at = feature * table.k + rank;
      const i = table.ids[at] - 1;
      if (i >= 0) found.push({ label: table.names[i], count: table.count[at], of: table.of[feature], base: table.base[i] / table.base_of });
    }
    return found;
  }

  function discardedOf(table, feature) {
    const found = [];
    for (let rank = 0; rank < table.k; rank += 1) {
      const at = feature * table.k + rank;
      const i = table.ids[at] - 1;
      if (i < 0) continue;
      found.push({
        label: table.names[i], mean: table.mean[at], speaker_mean: table.speaker_mean[at],
        occurrences: table.occurrences[at], speakers: table.speakers[at],
      });
    }
    return found;
  }

  const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;
  const figure = (value, digits = 3) => (Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : "–");
  const quoted = (text) => `“${text}”`;

  return { load, starts, segmentsOf, labelsOf, discardedOf, percent, figure, quoted };
})();
