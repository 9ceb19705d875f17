"""The card of a saved model: what it is, how it is asked, what it is not."""

from __future__ import annotations

from ecgbyte.tokenizer.ecg_tokenizer import ECGTokenizer

NO_DEVICE = "It is no medical device and must not be used to diagnose or treat anyone."


def model_card(ecg_tokenizer: ECGTokenizer, base: str | None, description: str) -> str:
    """The text of README.md in a saved model's folder.

    Parameters
    ----------
    ecg_tokenizer : ECGTokenizer
    base : str or None
        Of an adapter.
    description : str
        Put in as it is.
    """
    leads = "leads not said" if ecg_tokenizer.num_leads is None else f"{ecg_tokenizer.num_leads} leads"
    rate = "any rate" if ecg_tokenizer.sampling_rate is None else f"{ecg_tokenizer.sampling_rate:g} samples a second"
    kind = "A language model that reads ECGs" if base is None else f"An adapter that lets `{base}` read ECGs"
    about = "base_model: " + base + "\n" if base is not None and "/" in base.strip("./") else ""
    return (
        f"---\nlibrary_name: ecgbyte\ntags: [ecg, electrocardiogram, question-answering]\n{about}---\n\n"
        f"# {kind}\n\n"
        f"It takes ECGs of {leads} at {rate}, after the preprocessing that `ecg_tokenizer.json` names, as tokens of "
        f"{len(ecg_tokenizer)} kinds (tokenizer {ecg_tokenizer.fingerprint}).\n\n"
        + (f"{description.strip()}\n\n" if description.strip() else "")
        + "```bash\n"
        'ecgbyte answer RECORD --model FOLDER --question "Is this ECG normal?"\n'
        "```\n\n"
        "```python\n"
        "from ecgbyte.hub import answer_questions, load_model\n\n"
        'answer_questions(load_model("FOLDER"), [record], ["Is this ECG normal?"])\n'
        "```\n\n"
        f"{NO_DEVICE}\n"
    )
