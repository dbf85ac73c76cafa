"use strict";
/* The sound that was made for a feature, beside the strongest segment of the corpus. */
otoscope.featureAudiation = (() => {
  const { make, playButton } = otoscope;
  const { figure, quoted } = otoscope.features;
  const { evolution } = otoscope.featureDrawings;

  function audiation(at) {
    const part = make("section", { class: "audiation", "aria-labelledby": "audiation-title" }, make("h3", { id: "audiation-title" }, "Audiation"));
    const found = at.data.audiation[at.feature];
    if (!found) { part.append(...withoutAudiation(at)); return part; }
    const [main, ...others] = found;
    const name = `${at.map.layers[at.layer].name}/${at.feature}`;
    if (main.problem) part.append(make("p", { class: "empty" }, `It has no sound: ${main.problem}.`));
    else part.append(pair(main, name));
    if (others.length) part.append(make("h4", {}, "Made otherwise"), make("ul", { class: "others" }, ...others.map((one) => make("li", {}, playButton(one.audio, `the audiation of ${name}, ${one.variant}`), make("span", {}, one.variant, one.sample ? ` ${one.sample + 1}` : "", one.problem ? `: ${one.problem}` : ` · reached ${figure(one.reached)} · held out ${figure(one.held_out)}`)))));
    return part;
  }

  function pair(one, name) {
    const said = one.words || one.phones;
    const above = one.above === 1 ? "above the strongest segment" : one.above === 0 ? "below the strongest segment" : "";
    const figures = [
      ["a sound made for it", one.audio, one.mel, `the audiation of ${name}`],
      [`the strongest segment of the corpus${said ? `, ${quoted(said)}` : ""}`, one.clip, one.clip_mel, `the strongest segment of ${name}`],
    ].map(([title, sound, mel, label]) => make("figure", {}, make("figcaption", {}, playButton(sound, label), make("span", {}, title)), mel ? make("img", { src: mel, alt: `Mel spectrogram of ${label}`, class: "mel" }) : make("p", { class: "empty" }, "no picture")));
    const numbers = [
      ["reached", `${figure(one.reached)}${above ? `, ${above}` : ""}`], ["strongest segment", figure(one.strongest)], ["held out", figure(one.held_out)],
      ["least of them", figure(one.lowest)], ["rank in the layer", one.rank === null ? "–" : `${one.rank} of ${one.features}, 1 being the best`], ["estimated SNR", one.snr_db === null ? "–" : `${one.snr_db.toFixed(1)} dB`],
    ];
    const list = make("dl", { class: "facts" }, ...numbers.map(([title, text]) => make("div", {}, make("dt", {}, title), make("dd", {}, text))));
    const line = one.evolution.length > 1 ? make("figure", { class: "grown" }, make("figcaption", {}, "how it came about"), evolution(one.evolution, one.strongest, one.reached)) : "";
    const whole = one.picture ? make("a", { href: one.picture }, "the whole picture") : "";
    return make("div", {}, make("div", { class: "beside" }, ...figures, line), list, whole);
  }

  function withoutAudiation(at) {
    const count = at.map.audiations;
    const total = at.map.layers.reduce((sum, layer) => sum + layer.features, 0);
    const { name } = at.map.layers[at.layer];
    const here = Object.keys(at.data.audiation);
    const found = [make("p", { class: "empty" }, `No audiation was made of this feature. This run has ${count} of ${total} features of ${at.model}. This makes it: `, make("code", {}, `otoscope audiate ${at.map.run} --output ${at.map.run} --features '{${name}: [${at.feature}]}'`))];
    if (here.length) found.push(make("p", {}, `Of ${name} there are `, ...here.flatMap((feature, i) => [i ? ", " : "", make("a", { href: otoscope.link("features", { model: at.model, feature: `${name}/${feature}` }) }, `${name}/${feature}`)]), "."));
    return found;
  }

  return { audiation };
})();
