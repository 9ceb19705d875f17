"use strict";
// Arrays as the page holds them: base64 of bytes, and traces as differences of samples (see ecgbyte/viz/packing.py).

function unpackBytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// Numbers of two bytes each, the lower byte first.
function unpackPairsOfBytes(text) {
  const bytes = unpackBytes(text);
  return Uint16Array.from({ length: bytes.length / 2 }, (_, i) => bytes[2 * i] + 256 * bytes[2 * i + 1]);
}

// One Float32Array of mV for each lead.
function unpackTrace(text, leads, samples, step) {
  const bytes = unpackBytes(text);
  const traces = [];
  let place = 0;
  for (let lead = 0; lead < leads; lead++) {
    const trace = new Float32Array(samples);
    let steps = 0;
    for (let i = 0; i < samples; i++) {
      let number = 0;
      let weight = 1;
      let byte;
      do {
        byte = bytes[place++];
        number += (byte & 0x7f) * weight;
        weight *= 128;
      } while (byte & 0x80);
      steps += number % 2 ? -(number + 1) / 2 : number / 2;
      trace[i] = steps * step;
    }
    traces.push(trace);
  }
  return traces;
}
