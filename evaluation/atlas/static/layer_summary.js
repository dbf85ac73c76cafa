"use strict";
/* What the sonification says of one layer, a card for each question. */
Object.assign(otoscope.layers, (() => {
  const { make, svg, link, playButton, unitName } = otoscope;
  const { gauge, histogram, mark, ruler } = drawing;
  const { none, finite, spelled, spread } = otoscope.layers;
  const FEMALE = ["#2a62b8", "#7fb0ff"];
  const MALE = ["#b8402a", "#ff9a80"];
  const SEXES = { female: ["women", FEMALE], male: ["men", MALE] };
  const MEASURES = { active_share: ["active over time", 100, " %", 1, 1], length_s: ["length of activations", 1000, " ms", 0, null], spikiness: ["spikiness", 1, "", 2, 1] };
  const VERDICTS = { least: "The least complex", mean: "Nearest to the mean", most: "The most complex" };
  const card = (title, text, ...children) => make("section", { class: "card" }, make("h4", {}, title), make("p", {}, text), ...children);
  const row = (name, about, figure, under, drawn) => make("li", {}, make("span", {}, name, ...(about ? [make("small", {}, about)] : [])), make("span", { class: "figure" }, figure, ...under.filter(Boolean).map((text) => make("small", {}, text))), drawn);
  /* One scale for all gauges of a card. */
  const scaled = (lines, scale) => make("ul", { class: "gauges" }, ...lines, make("li", { class: "scale" }, ruler(scale)));
  const marks = (...kinds) => make("p", { class: "marks", "aria-hidden": "true" }, ...kinds.map(([kind, name]) => make("span", {}, svg("svg", {}, mark(kind, 6, 7, 7)), name)));
  const least = (...values) => Math.min(...values.filter(finite));
  const most = (...values) => Math.max(...values.filter(finite));

  function summaryOf(found, at) {
    if (!found.sonified && !found.dominance.length && !found.complexity.length) return [none(`No sonification has searched ${at.state.layer} of ${at.state.model} yet:`, `otoscope sonify ${at.run} --output ${at.run}`)];
    const stack = (...cards) => make("div", { class: "stack" }, ...cards.filter(Boolean));
    const parts = [stack(dominanceOf(found.dominance, at), sameWordOf(found.same_word, at)), stack(densityOf(found.sonified, at), activityOf(found.activity_pattern, at)), complexityOf(found, at)];
    if (found.picture) parts.push(make("details", { class: "card wide picture" }, make("summary", {}, found.picture.title), make("img", { loading: "lazy", alt: `${found.picture.title}: a line for each feature over time`, src: found.picture.image })));
    return parts;
  }

  function dominanceOf(rows, at) {
    if (!rows.length) return card("Men and women", "No share of features that one sex dominates: the corpus does not say who is which, or too few speak.");
    const to = most(0.1, ...rows.flatMap((one) => [one.share, one.ci_high, one.chance_high, one.control && one.control.share]));
    const lines = rows.map((one) => {
      const [name, colour] = SEXES[one.group] || [one.group, at.model.colour];
      const under = [spread(one.ci_low, one.ci_high, 1, 100), `chance ${spelled(one.chance, 1, " %", 100)}`, one.control ? `untrained ${spelled(one.control.share, 1, " %", 100)}` : ""];
      const about = `${unitName(one.unit)}; ${spelled(one.dominated, 0)} of ${spelled(one.n_features - one.n_empty, 0)}, ${spelled(one.significant, 0)} significant (FDR 5 %)`;
      return row(name, about, make("b", {}, spelled(one.share, 1, " %", 100)), under, gauge({ value: one.share, low: one.ci_low, high: one.ci_high, to, colour, marks: [{ at: one.chance_high, kind: "second" }, { at: one.control && one.control.share, kind: "control" }] }));
    });
    const scale = { to, spell: (at) => spelled(at, 0, " %", 100) };
    const remarks = [...new Set(rows.map((one) => one.remark).filter(Boolean))].map((text) => make("p", { class: "notes" }, text));
    const units = [...new Set(rows.map((one) => one.unit))];
    const shown = units.slice(0, 1);
    const first = lines.filter((_, i) => shown.includes(rows[i].unit));
    const rest = lines.filter((_, i) => !shown.includes(rows[i].unit));
    const more = rest.length ? [make("details", {}, make("summary", {}, `Of ${units.slice(1).map(unitName).join(", ")}`), scaled(rest, scale))] : [];
    return card("Men and women", "Share of the features of which one sex speaks over 90 % of the best segments, with its 95 % interval over speakers; significant: selective for the sex, dominated or not.", ...remarks, scaled(first, scale), marks(["second", "upper 97.5 % limit of chance"], ...(rows.some((one) => one.control) ? [["control", "untrained"]] : [])), ...more);
  }

  function densityOf(sonified, at) {
    if (!sonified) return null;
    const dead = sonified.dead.length;
    const alive = sonified.counts.reduce((sum, count) => sum + count, 0);
    const [low, high] = sonified.thresholds || [0, 0];
    const above = low === 0 && high === 0 ? "above 0 (no state of this layer is below)" : `more than half-way from the feature's mean to its maximum: here above ${low === high ? spelled(low, 2) : `${spelled(low, 2)} to ${spelled(high, 2)}, feature by feature`}`;
    const text = `Share of a feature's states that are ${above}. ${spelled(sonified.mean, 1, " %", 100)} in the mean of ${alive} features${dead ? `; ${dead} dead` : ""}. Bars: how many features have which share.`;
    return card("Density", text, histogram({ counts: sonified.counts, mean: sonified.mean, colour: at.model.colour, label: `Features of ${at.state.layer} by density, from 0 to 1; mean ${spelled(sonified.mean, 2)}` }));
  }

  function complexityOf(found, at) {
    const rows = found.complexity;
    const section = card("Complexity", "Phones in what drives a feature most, with the 95 % interval over speakers; moved segments have the same lengths at other places, so what is above them is not explained by a longer memory.");
    section.classList.add("wide");
    if (!rows.length && !found.examples.length) {
      section.append(none("The corpus has no alignment of its phones, or words were not searched."));
      return section;
    }
    const known = rows.flatMap((one) => [one.mean, one.minimum, one.maximum, one.ci_low, one.ci_high, one.null, one.base, one.control && one.control.mean]);
    const [from, to] = [least(...known), most(...known)];
    const list = rows.map((one) => {
      const excess = finite(one.excess) ? `moved ${spelled(one.null, 2)}, excess ${one.excess > 0 ? "+" : ""}${spelled(one.excess, 2)} (${spread(one.excess_low, one.excess_high, 2)})` : "";
      const under = [spread(one.ci_low, one.ci_high, 2), excess, one.control ? `untrained ${spelled(one.control.mean, 2)}` : ""];
      const scale = finite(one.minimum) && finite(one.maximum) ? `features from ${spelled(one.minimum, 1)} to ${spelled(one.maximum, 1)}` : "";
      return row(unitName(one.unit), scale, make("b", {}, spelled(one.mean, 2, " phones")), under, gauge({ value: one.mean, low: one.ci_low, high: one.ci_high, from, to, colour: at.model.colour, marks: [{ at: one.null, kind: "" }, { at: one.base, kind: "second" }, { at: one.control && one.control.mean, kind: "control" }] }));
    });
    if (list.length) section.append(scaled(list, { from, to }), marks(["", "moved segments"], ["second", "all segments that were searched"], ...(rows.some((one) => one.control) ? [["control", "untrained"]] : [])));
    section.append(make("div", { class: "examples" }, ...found.examples.map((example) => make("div", {},
      make("h5", {}, `${VERDICTS[example.which]}: `, make("a", { href: link("features", { model: at.state.model, feature: `${at.state.layer}/${example.feature}` }) }, `${at.state.layer}/${example.feature}`), `, ${spelled(example.phones, 2)} phones a word`), make("p", {}, `The mean of its ${example.counted} best words${example.counted > example.segments.length ? `; the ${example.segments.length} strongest:` : ":"}`),
      make("ol", { class: "heard" }, ...example.segments.map((one, rank) => make("li", {}, playButton(one.sound, `segment ${rank + 1} of ${at.state.layer}/${example.feature}: ${one.words}`), make("span", {}, make("b", {}, one.words || "–"), " ", make("small", {}, `${one.phones} · ${one.speaker}${one.sex ? `, ${one.sex}` : ""}`)))))))));
    return section;
  }

  function activityOf(rows, at) {
    if (!rows.length) return null;
    const list = rows.map((one) => {
      const [name, scale, unit, digits, end] = MEASURES[one.measure] || [one.measure, 1, "", 2, null];
      const to = end === null ? 1.25 * most(one.mean, one.ci_high, one.control && one.control.mean) : end;
      const under = [spread(one.ci_low, one.ci_high, digits, scale), one.control ? `untrained ${spelled(one.control.mean, digits, unit, scale)}` : ""];
      const drawn = make("div", {}, gauge({ value: one.mean, low: one.ci_low, high: one.ci_high, to, colour: at.model.colour, marks: [{ at: one.control && one.control.mean, kind: "control" }] }),
        ruler({ to, spell: (place) => `${Number((scale * place).toPrecision(6))}${unit}` }));
      return row(name, one.n_silent ? `${one.n_silent} never active` : "", make("b", {}, spelled(one.mean, digits, unit, scale)), under, drawn);
    });
    return card("How its features are active", "Active means here: above a tenth of the feature's peak, negative values counted as 0, which is another bound than that of the density. Active over time is the share of such frames; length that of a run of them; spikiness is 0 where nothing changes within 40 ms, 1 where it is all new. All layers are heard at one stride.", make("ul", { class: "gauges" }, ...list), ...(rows.some((one) => one.control) ? [marks(["control", "untrained"])] : []));
  }

  function sameWordOf(rows, at) {
    if (!rows.length) return null;
    const [one] = rows;
    const to = most(0.1, one.ci_high, one.alike_high, one.chance, one.control && one.control.overlap);
    const line = (name, value, low, high, colour) => row(name, "", make("b", {}, spelled(value, 2)), [spread(low, high, 2)], gauge({ value, low, high, to, colour, marks: [{ at: one.chance, kind: "second" }, { at: one.control && one.control.overlap, kind: "control" }] }));
    return card("The same word", `Overlap of the features that a word activates in two speakers, ${spelled(one.n_pairs, 0)} pairs${one.n_undefined ? `, of which ${one.n_undefined} activate nothing` : ""}.`,
      scaled([line("a man and a woman", one.overlap, one.ci_low, one.ci_high, at.model.colour), line("two of one sex", one.alike, one.alike_low, one.alike_high, ["#85878c", "#9b9ea6"])], { to }),
      marks(["second", `sets of these sizes by chance, ${spelled(one.chance, 2)}`], ...(one.control ? [["control", `untrained, ${spelled(one.control.overlap, 2)}`]] : [])), make("p", {}, make("a", { href: link("words", { model: at.state.model }) }, "Choose a word"), "."));
  }

  return { summaryOf };
})());
