"use strict";
/* Units of search in words, the same on every page. */
otoscope.UNITS = { segments: "half seconds", words: "words", phones: "phones", utterances: "utterances", ngrams: "phone n-grams" };
otoscope.unitName = (unit) => {
  const run = /^phones(\d+)$/.exec(unit);
  return run ? `runs of ${run[1]} phones` : otoscope.UNITS[unit] || unit;
};
