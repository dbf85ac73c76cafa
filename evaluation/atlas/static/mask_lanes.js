"use strict";
/* What a mask is seen and heard by: its frames and its sounds, in lanes over one axis of time. */
otoscope.lanesOf = (heard, one, drawn) => {
  const { make, playButton, drawing } = otoscope;
  const { percent, number, words, axis, waveform } = drawing;
  const seconds = heard.duration_s || 1;
  const stretch = (begin, end) => drawing.stretch(begin, end, seconds);

  function lane(name, more, content, height, below = null) {
    const track = make("div", { class: "track", style: height ? `height:${height}px` : null }, ...content);
    return make("div", { class: "lane" }, make("div", { class: "name" }, ...name, make("small", {}, more)), track, ...(below ? [below] : []));
  }
  function picture(id, label) {
    const { frames, bands, frame_s } = drawn;
    const canvas = make("canvas", { id, width: frames, height: bands, role: "img", "aria-label": label, style: stretch(-frame_s / 2, (frames - 0.5) * frame_s) });
    return [canvas, ...(drawn.required ? [make("i", { class: "required", style: stretch(drawn.required.start_s, drawn.required.end_s) })] : [])];
  }
  function voice(sound, at, natural) {
    const button = playButton(sound.src, `${sound.name}: ${sound.text || "nothing"}`);
    button.dataset.sound = at;
    const quiet = (sound.quiet || []).map(([begin, end]) => make("i", { class: "quiet", style: stretch(begin, Math.min(end, seconds)) }));
    const content = sound.outline ? [...quiet, waveform(sound, natural)] : [make("p", { class: "soft" }, "this sound is missing or broken")];
    const verdict = sound.name === "natural" ? "" : sound.preserved ? "same transcript" : `CER ${number(sound.cer, 0)} %`;
    const more = sound.name.startsWith("muted") ? `${percent(sound.muted_share)} muted` : "";
    const below = make("p", { class: "heard" }, make("q", {}, sound.text || " "), make("small", { class: sound.preserved ? "same" : "" }, verdict));
    return lane([button, make("b", {}, sound.name)], more, content, 46, below);
  }
  /* Masks of before the frames were kept: the picture of the run. */
  function fallback() {
    const parts = [make("p", { class: "notes" }, "The frames of this mask are not in the run, or cannot be read: masks of an earlier version have none; run otoscope mask again to keep them. Its picture is shown instead.")];
    if (one.picture) parts.push(make("img", { src: one.picture, alt: `Mask, masked frames and frames of ${heard.id}`, class: "still" }));
    if (one.animation) parts.push(make("p", {}, make("a", { href: one.animation }, "How it was found, as an animation")));
    return parts;
  }

  const ruled = () => lane([], "", axis(seconds), 20);
  const natural = one.sounds.find((sound) => sound.name === "natural");
  const frames = drawn ? [
    lane([make("b", {}, "words")], "where CTC says them", words(drawn.said, seconds), 40),
    lane([make("b", {}, "input")], `${drawn.bands} bands, normalised`, picture("input", "The normalised frames of the input"), 130),
    lane([make("b", {}, "mask")], "what is kept", picture("mask", "The mask"), 130),
    lane([make("b", {}, "masked input")], "the rest at its mean", picture("masked", "The masked frames"), 130),
    ruled(),
  ] : fallback();
  return [...frames, ...one.sounds.map((sound, at) => voice(sound, at, natural)),
    ...(one.sounds.length ? [ruled()] : [make("p", { class: "empty" }, "This mask has no sounds.")])];
};
