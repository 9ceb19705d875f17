"""Draw a synthetic ECG and its tokens: ``python draw_tokens.py tokens.png``. So the README's picture was made."""

import argparse

import ecgbyte
from ecgbyte.data.synthetic import SyntheticRecords

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("output", help="the picture, .png")
options = arguments.parse_args()

record = SyntheticRecords(num_patients=2, seed=0, sampling_rate=500).read("patient-00001-record-2")
tokenizer = ecgbyte.ECGTokenizer.from_pretrained("ptb-xl-3500")
preprocessor = ecgbyte.Preprocessor(target_rate=tokenizer.sampling_rate)
clean = preprocessor.apply(record)
encoding = tokenizer.encode(clean)

figure = ecgbyte.viz.plot_tokens(
    clean,
    tokenizer,
    filter_line=ecgbyte.viz.filter_line(preprocessor, record.sampling_rate, record.num_samples),
    title=f"A synthetic ECG: {encoding.num_symbols:,} samples, {encoding.num_tokens:,} tokens",
)
figure.savefig(options.output, dpi=110)
