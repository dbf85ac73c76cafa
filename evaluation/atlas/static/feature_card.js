"use strict";
/* The card of one feature: what it is, its segments, their words, its activation, its audiation. */
otoscope.featureCard = (() => {
  const { make, player, playButton, unitName } = otoscope;
  const { load, segmentsOf, labelsOf, discardedOf, percent, figure, quoted } = otoscope.features;
  const { traceOf, trace } = otoscope.featureDrawings;
  const { audiation } = otoscope.featureAudiation;
  const COPIES = { word: "words", phone: "phones" };
  let asked = () => {};

  /* Fills a box with one feature. `at`: {shard, model, map, layer, feature, data}. */
  function fill(box, at) {
    const segments = segmentsOf(at.data, at.feature);
    box.replaceChildren(facts(at), ...speakers(at), units(at), discarded(at), activation(at, segments[0]), audiation(at));
  }

  const dead = (at) => (at.data.dead || {})[at.feature];
  const missing = (what, at) => make("p", { class: "empty" }, `${what} (yet). The command that makes it: `, make("code", {}, `otoscope sonify ${at.map.run} --output ${at.map.run}`));

  /* ---- facts ---- */
  function facts(at) {
    const { activity } = at.data;
    const list = make("dl", { class: "facts" });
    const add = (name, ...text) => list.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...text)));
    if (dead(at)) add("dead", make("b", { class: "bad" }, dead(at)), ", so it has no segments: all would drive it alike");
    if (activity) {
      const of = (name) => activity[name][at.feature];
      add("active", `${percent(of("density"), 1)} of the time (above ${figure(of("threshold"))})`);
      add("mean", figure(of("mean")));
      add("median", figure(of("q50")));
      add("90 % are below", figure(of("q90")));
      add("99 %", figure(of("q99")));
      add("range", `${figure(of("minimum"))} to ${figure(of("maximum"))}`);
    }
    return list;
  }

  /* Who says its strongest segments: of each attribute the most frequent group, beside its share of all speakers. */
  function speakers(at) {
    const list = make("dl", { class: "facts" });
    for (const { attribute, groups, share, q } of at.data.selectivity || []) {
      const size = share.length / groups.length;
      const shares = groups.map((group, i) => ({ group, share: share[i * size + at.feature], q: q[i * size + at.feature] })).filter((one) => !Number.isNaN(one.share));
      if (!shares.length) continue;
      const most = shares.reduce((best, one) => (one.share > best.share ? one : best));
      const base = (at.map.bases[attribute] || {})[most.group];
      const more = [...(base === undefined ? [] : [`speakers ${percent(base)}`]), ...(Number.isNaN(most.q) ? [] : [`q = ${figure(most.q, 2)}`])];
      list.append(make("div", {}, make("dt", {}, attribute), make("dd", {}, `${percent(most.share)} ${most.group}`, more.length ? ` (${more.join("; ")})` : "")));
    }
    return list.childElementCount ? [make("p", { class: "small-print" }, `Who says its strongest ${unitName(at.map.unit)}:`), list] : [];
  }

  /* ---- units of search: tabs ---- */
  function units(at) {
    const part = make("section", { class: "units", "aria-label": "What drives it most" });
    if (!at.map.units.length || !at.data.segments) {
      part.append(make("h3", {}, "What drives it most"), missing("There is no table of segments", at));
      return part;
    }
    const panel = make("div", { role: "tabpanel", id: "unit", tabindex: "0" });
    const tabs = at.map.units.map((unit, i) => make("button", { type: "button", role: "tab", id: `tab-${i}`, "aria-controls": "unit", "aria-selected": "false", tabindex: "-1" }, unitName(unit)));
    const bar = make("div", { class: "tabs", role: "tablist", "aria-label": "Unit of search" }, ...tabs);
    let shown = -1;

    async function choose(i) {
      if (i === shown) return;
      shown = i;
      tabs.forEach((tab, k) => { tab.setAttribute("aria-selected", String(k === i)); tab.tabIndex = k === i ? 0 : -1; });
      panel.setAttribute("aria-labelledby", `tab-${i}`);
      try {
        const data = i ? await load(`${at.shard}/${at.layer}/u${i}`) : at.data;
        if (shown === i) panel.replaceChildren(...unitOf(at, data, at.map.units[i]));
      } catch (error) {
        panel.replaceChildren(make("p", { class: "empty" }, error.message));
      }
    }
    tabs.forEach((tab, i) => tab.addEventListener("click", () => choose(i)));
    bar.addEventListener("keydown", (event) => {
      const to = { ArrowRight: shown + 1, ArrowLeft: shown - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const i = (to + tabs.length) % tabs.length;
      tabs[i].focus();
      choose(i);
    });
    choose(0);
    part.append(make("h3", {}, "What drives it most"), bar, panel);
    return part;
  }

  function unitOf(at, data, unit) {
    const segments = segmentsOf(data, at.feature);
    if (!segments.length) return [make("p", { class: "empty" }, dead(at) ? `Dead: ${dead(at)}.` : `No ${unitName(unit)} drive it.`)];
    const bars = Object.entries(data.labels || {}).map(([tier, table]) => barsOf(tier, labelsOf(table, at.feature), unit)).filter(Boolean);
    return [make("div", { class: "unit" }, players(at, segments, unit), make("div", { class: "sides" }, ...bars, ...(data.labels ? [] : [missing("There is no table of labels", at)])))];
  }

  function players(at, segments, unit) {
    const top = Math.max(...segments.map((segment) => Math.abs(segment.score)), 1e-12);
    const rows = segments.map((segment) => row(at, segment, top, unit));
    const every = make("button", { type: "button", class: "all", "aria-pressed": "false" }, "▶ play all");
    const buttons = rows.map((one) => one.querySelector("button.clip")).filter(Boolean);
    let turn = -1;
    const stop = () => { turn = -1; every.setAttribute("aria-pressed", "false"); every.textContent = "▶ play all"; };
    every.addEventListener("click", () => {
      if (turn >= 0) { stop(); player.pause(); return; }
      turn = 0;
      every.setAttribute("aria-pressed", "true");
      every.textContent = "■ stop";
      buttons[0].click();
    });
    chain = (button) => {
      if (turn < 0) return;
      if (!every.isConnected || button !== buttons[turn]) { stop(); return; }
      turn += 1;
      if (turn < buttons.length) buttons[turn].click();
      else stop();
    };
    halt = (button) => { if (turn >= 0 && button !== buttons[turn]) stop(); };
    const silent = rows.length - buttons.length;
    const head = make("p", { class: "head" }, ...(buttons.length ? [every] : []), make("span", {}, `the ${segments.length} strongest ${unitName(unit)}`, silent ? `; ${silent} without a sound` : ""));
    return make("div", { class: "players" }, head, heads(), make("ol", { class: "segments" }, ...rows));
  }
  const heads = () => make("p", { class: "heads", "aria-hidden": "true" }, ...["rank", "", "what is said", "who, and where", "score"].map((text) => make("span", {}, text)));
  let chain = () => {};
  let halt = () => {};
  player.onend((button) => chain(button));
  player.onplay((button) => halt(button));

  function row(at, segment, top, unit) {
    const { rank, words, phones, speaker, sex, utterance, label } = segment;
    const what = words || label || phones;
    const name = `${at.map.layers[at.layer].name}/${at.feature}, rank ${rank} of the ${unitName(unit)}: ${what ? quoted(what) : "nothing said"}, ${speaker}${sex ? `, ${sex}` : ""}`;
    return make("li", {},
      make("span", { class: "rank" }, String(rank)),
      playButton(segment.sound, name),
      make("span", { class: "what" }, make("b", {}, words || label || "–"), make("span", { class: "phones" }, phones)),
      make("span", { class: "who" }, make("span", {}, speaker, sex ? ` · ${sex}` : ""), make("small", {}, `${utterance} ${segment.start.toFixed(2)} to ${segment.end.toFixed(2)} s`)),
      make("span", { class: "score", style: `--part:${Math.min(1, Math.abs(segment.score) / top)}` }, make("span", { class: "sr" }, "score "), figure(segment.score)));
  }

  function barsOf(tier, labels, unit) {
    if (!labels.length) return null;
    const rows = labels.map(({ label, count, of, base }) => {
      const find = make("button", { type: "button", class: "label", title: `other features that pick ${quoted(label)}` }, label);
      find.addEventListener("click", () => asked(label));
      return make("li", { style: `--part:${of ? count / of : 0};--base:${base}` }, find, make("span", { class: "track" }), make("span", { class: "number" }, `${count} of ${of}`, make("small", {}, `corpus ${percent(base, base < 0.0995 ? 1 : 0)}`)));
    });
    return make("div", {}, make("h4", {}, `${COPIES[tier] || tier} in its ${unitName(unit)}`), make("ul", { class: "bars" }, ...rows));
  }

  /* ---- speaker-discarded ---- */
  const RANKED = { mean: "over occurrences", speaker_mean: "over speakers" };
  let ranked = "mean";

  function discarded(at) {
    const part = make("section", { class: "discarded", "aria-labelledby": "discarded-title" }, make("h3", { id: "discarded-title" }, "Whoever says it"));
    const tables = at.data.discarded || [];
    if (!tables.length) {
      part.append(missing("There is no table of speaker-discarded sonification", at));
      return part;
    }
    part.append(make("p", { class: "lead" }, "Speaker-discarded: the words and phones with the highest mean of the summed activation, over all that the corpus has, not over the best segments alone."));
    const lists = make("div", { class: "pair" });
    const draw = () => lists.replaceChildren(...tables.filter((table) => table.by === ranked).map((table) => listOf(table, at)));
    const kinds = Object.keys(RANKED).filter((by) => tables.some((table) => table.by === by));
    if (!kinds.includes(ranked)) [ranked] = kinds;
    if (kinds.length > 1) {
      part.append(make("fieldset", { class: "ranked" }, make("legend", {}, "Ranked by the mean"), ...kinds.map((by) => {
        const radio = make("input", { type: "radio", name: "ranked", value: by });
        radio.checked = by === ranked;
        radio.addEventListener("change", () => { ranked = by; draw(); });
        return make("label", {}, radio, RANKED[by]);
      })));
    }
    draw();
    part.append(lists);
    return part;
  }

  function listOf(table, at) {
    const rows = discardedOf(table, at.feature);
    const expected = table.expected[at.feature];
    if (!rows.length) return make("p", { class: "empty" }, `No ${COPIES[table.tier]}${dead(at) ? ": it is dead" : ""}.`);
    const numbers = ({ mean, speaker_mean, occurrences, speakers }) => [figure(mean), figure(speaker_mean), occurrences, speakers].map((text) => make("td", { class: "right" }, String(text)));
    const heads = [COPIES[table.tier], "mean", "speakers’ mean", "said", "speakers"].map((text, i) => make("th", { scope: "col", class: i ? "right" : false }, text));
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Speaker-discarded ${COPIES[table.tier]}` },
      make("table", { class: "rows" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows.map((one) => make("tr", {}, make("td", {}, make("b", {}, one.label)), ...numbers(one))))),
      Number.isFinite(expected) ? make("p", { class: "small-print" }, `${figure(expected)} over all ${COPIES[table.tier]}`) : "");
  }

  /* ---- activation over time ---- */
  function activation(at, best) {
    const part = make("section", { class: "activation", "aria-labelledby": "activation-title" }, make("h3", { id: "activation-title" }, "Activation over time"));
    if (!at.map.traced.includes(at.layer)) {
      part.append(missing("Activation over time was not kept for this layer", at));
      return part;
    }
    const rest = make("div", {}, make("p", { class: "empty" }, "loading"));
    part.append(rest);
    load(`${at.shard}/${at.layer}/trace`).then((shard) => {
      const found = traceOf(shard, at.feature);
      if (!found) { rest.replaceChildren(make("p", { class: "empty" }, dead(at) ? `Dead: ${dead(at)}.` : "There is no trace of this feature: its utterance could not be heard again.")); return; }
      const segment = best && best.utterance === found.utterance ? best : null;
      const button = segment ? playButton(segment.sound, `${at.map.layers[at.layer].name}/${at.feature}, its strongest segment`) : "";
      rest.replaceChildren(make("p", { class: "head" }, button, make("span", {}, `around its strongest segment (shaded), ${found.utterance}`)), trace(found, segment));
    }, (error) => rest.replaceChildren(make("p", { class: "empty" }, error.message)));
    return part;
  }

  return { fill, onask: (callback) => { asked = callback; } };
})();
