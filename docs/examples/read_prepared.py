"""For who has a prepared folder: its records, its table, and batches for training.

python read_prepared.py FOLDER
"""

import sys

import numpy as np
from torch.utils.data import DataLoader

from ecgbyte.prepared.folder import PreparedFolder
from ecgbyte.prepared.torch_data import ShardRows

if __name__ == "__main__":
    folder = PreparedFolder(sys.argv[1])
    counts = folder.manifest["counts"]
    print(f"{counts['prepared']} prepared, {counts['rejected']} rejected {counts['rejected_by_code']}")

    # One record, and all of them in their order; signals are float32 [leads, samples] in mV.
    first = next(iter(folder.records()))
    assert np.array_equal(folder.read(first.record_id).signal, first.signal)
    print(f"{first.record_id}: {first.signal.shape} at {first.sampling_rate:g} Hz")

    # What is known of the records, as an Arrow table.
    print(folder.table(["record_id", "patient_id", "fold", "age", "sex", "report"]).schema.names)

    # Batches for training, shards shared out among the workers; steps times scale is mV.
    rows = ShardRows(folder, ["record_id", "signal", "scale"], seed=0)
    for batch in DataLoader(rows, batch_size=4, num_workers=2):
        signals = batch["signal"] * batch["scale"][:, None, None]
        print(f"{len(batch['record_id'])} records, {tuple(signals.shape)}")
        break
