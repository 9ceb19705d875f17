"""CLIP between ECG images and reports, with the two towers of transformers' ``CLIPModel``.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021,
https://arxiv.org/abs/2103.00020. Published (Han et al., https://arxiv.org/abs/2412.14373) is ViT-B/32 with CLIP's own
text tower, pretrained on photographs. Ours beside it: a tiny configuration on the folded picture
(`ecgbyte.models.encoders.ecg_images`), and any text encoder of `ecgbyte.models.encoders.text_encoders` in place of
the text tower. The published code takes any other record for a wrong partner, also where it has the same report; see
`ecgbyte.models.encoders.merl.IDENTICAL_REPORTS`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ecgbyte.checks import check_option
from ecgbyte.models.encoders.ecg_images import ImageLayout, StackedSignal, folded_layout, resized_layout
from ecgbyte.models.encoders.merl import IDENTICAL_REPORTS, symmetric_info_nce
from ecgbyte.models.encoders.text_encoders import TextEncoder, build_text_encoder
from ecgbyte.models.encoders.vit import is_pretrained

OWN_TEXT_ENCODER = "own"
"""The name of CLIP's own text tower among the text encoders."""

LARGEST_LOGIT_SCALE = math.log(100)
"""The learnt temperature does not fall below 1/100, as in CLIP."""

TINY_VISION: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 512,
}
TINY_TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}
TINY_PROJECTION = 128


class CLIPEncoder(nn.Module):
    """CLIP's image tower over ECGs: the projected state of the class token.

    Parameters
    ----------
    image : StackedSignal
    vision_model : transformers.CLIPVisionModel
    visual_projection : nn.Linear

    Attributes
    ----------
    feature_size : int
        Length of the feature vector.
    """

    def __init__(self, image: StackedSignal, vision_model: Any, visual_projection: nn.Linear) -> None:
        super().__init__()
        self.image = image
        self.vision_model = vision_model
        self.visual_projection = visual_projection
        self.feature_size = visual_projection.out_features

    def forward(self, ecg: Tensor) -> Tensor:
        """Float [batch, leads, samples] in mV to float [batch, feature_size], not normalised.

        Raises
        ------
        ValueError
            If `ecg` has another shape than the layout.
        """
        return self.visual_projection(self.vision_model(pixel_values=self.image(ecg)).pooler_output)


class CLIPTextEncoder(TextEncoder):
    """CLIP's text tower. A report's embedding is the state of its last token, which has read all others; with a
    pretrained CLIP's tokenizer that is the end token, as in CLIP.

    Parameters
    ----------
    text_model : transformers.CLIPTextModel
    tokenizer : transformers tokenizer
    """

    def __init__(self, text_model: Any, tokenizer: Any) -> None:
        config = text_model.config
        super().__init__(tokenizer, config.hidden_size, config.max_position_embeddings, frozen=False)
        self.text_model = text_model

    def settings(self) -> dict[str, Any]:
        return {"name": OWN_TEXT_ENCODER}

    def _token_states(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.text_model(input_ids=ids, attention_mask=attention_mask).last_hidden_state

    def _pool(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        # transformers finds the end token by its id, and by the largest id where the end token's is 2, as that of our
        # text tokenizer.
        return states[torch.arange(len(states), device=states.device), attention_mask.sum(dim=1) - 1]


@dataclass(frozen=True)
class CLIPOutput:
    """What one batch gives.

    Attributes
    ----------
    loss : Tensor
        Scalar: mean of the two directions' cross entropies.
    ecg_embeddings, report_embeddings : Tensor
        Float [batch, size], of length one.
    """

    loss: Tensor
    ecg_embeddings: Tensor
    report_embeddings: Tensor


class ECGCLIP(nn.Module):
    """Stage 1 of the method ``clip``.

    Parameters
    ----------
    ecg_encoder : CLIPEncoder
    text_encoder : TextEncoder
    text_projection : nn.Linear
        From the text encoder's output to the length of the ECG encoder's features.
    logit_scale : float
        Initial logarithm of one over the temperature, which is learnt; ln(1/0.07) as published.
    identical_reports : str
        One of `ecgbyte.models.encoders.merl.IDENTICAL_REPORTS`.
    """

    def __init__(
        self,
        ecg_encoder: CLIPEncoder,
        text_encoder: TextEncoder,
        text_projection: nn.Linear,
        *,
        logit_scale: float = 2.6592,
        identical_reports: str = "positives",
    ) -> None:
        super().__init__()
        check_option("identical_reports", identical_reports, IDENTICAL_REPORTS)
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.text_projection = text_projection
        self.logit_scale = nn.Parameter(torch.tensor(logit_scale))
        self.identical_reports = identical_reports

    def embed_reports(
        self,
        report_ids: Tensor | None = None,
        report_attention_mask: Tensor | None = None,
        encoded_reports: Tensor | None = None,
    ) -> Tensor:
        """Reports as float [batch, size] of length one; arguments and errors as in
        `ecgbyte.models.encoders.text_encoders.TextEncoder.encode`."""
        return functional.normalize(
            self.text_projection(self.text_encoder.encode(report_ids, report_attention_mask, encoded_reports)), dim=1
        )

    def forward(
        self,
        ecg: Tensor,
        report_ids: Tensor | None = None,
        report_attention_mask: Tensor | None = None,
        report_group: Tensor | None = None,
        encoded_reports: Tensor | None = None,
    ) -> CLIPOutput:
        """The loss of one batch; arguments as in `ecgbyte.models.encoders.merl.MERL.forward`."""
        report_embeddings = self.embed_reports(report_ids, report_attention_mask, encoded_reports)
        ecg_embeddings = functional.normalize(self.ecg_encoder(ecg), dim=1)
        positives = None
        if report_group is not None and self.identical_reports == "positives":
            positives = report_group[:, None] == report_group[None, :]
        temperature = (-self.logit_scale.clamp(max=LARGEST_LOGIT_SCALE)).exp()
        loss = symmetric_info_nce(ecg_embeddings, report_embeddings, temperature, positives)
        return CLIPOutput(loss, ecg_embeddings, report_embeddings)

    def settings(self) -> dict[str, Any]:
        """What rebuilds the model without its weights; JSON-able."""
        text_encoder = self.text_encoder
        text_config = text_encoder.text_model.config if isinstance(text_encoder, CLIPTextEncoder) else None
        return {
            "layout": self.ecg_encoder.image.layout.settings(),
            "vision_config": self.ecg_encoder.vision_model.config.to_diff_dict(),
            "text_config": None if text_config is None else text_config.to_diff_dict(),
            "projection_size": self.ecg_encoder.feature_size,
            "text_encoder": self.text_encoder.settings(),
            "identical_reports": self.identical_reports,
        }


def clip_configuration(size: str, leads: int, samples: int, normalisation: str = "fixed") -> tuple[ImageLayout, Any]:
    """The picture's layout and transformers' configuration of a size; parameters as in
    `ecgbyte.models.encoders.vit.vit_configuration`."""
    from transformers import CLIPConfig

    if size == "tiny":
        layout = folded_layout(leads, samples, normalisation=normalisation)
        shape = {"image_size": layout.size, "num_channels": layout.num_channels, "patch_size": 1, **TINY_VISION}
        return layout, CLIPConfig(vision_config=shape, text_config=dict(TINY_TEXT), projection_dim=TINY_PROJECTION)
    # transformers' defaults are ViT-B/32 and its text tower, as published.
    config: Any = CLIPConfig.from_pretrained(size) if is_pretrained(size) else CLIPConfig()
    vision = config.vision_config
    layout = resized_layout(
        leads, samples, size=vision.image_size, num_channels=vision.num_channels, normalisation=normalisation
    )
    return layout, config


def build_clip_encoder(*, seed: int, size: str, leads: int, samples: int, normalisation: str = "fixed") -> CLIPEncoder:
    """The image tower alone; parameters as in `build_clip`."""
    from transformers import CLIPModel, CLIPVisionModelWithProjection

    layout, config = clip_configuration(size, leads, samples, normalisation)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tower: Any
        if is_pretrained(size):
            tower = CLIPModel.from_pretrained(size, dtype=torch.float32, trust_remote_code=False)
        else:
            config.vision_config.projection_dim = config.projection_dim
            tower = CLIPVisionModelWithProjection(config.vision_config)
    return CLIPEncoder(StackedSignal(layout), tower.vision_model, tower.visual_projection)


def build_clip(
    *,
    seed: int,
    size: str = "tiny",
    leads: int = 12,
    samples: int = 500,
    normalisation: str = "fixed",
    text_encoder: str = OWN_TEXT_ENCODER,
    tokenizer: Any = None,
    text_encoder_options: dict[str, Any] | None = None,
    identical_reports: str = "positives",
) -> ECGCLIP:
    """Stage 1's model, its weights drawn from `seed` (the global random state is left as it was) or pretrained.

    Parameters
    ----------
    seed : int
        Of the initial weights.
    size : str
        ``"tiny"``, ``"base"`` (as published), or the folder or hub name of a pretrained CLIP.
    leads, samples, normalisation
        See `clip_configuration`.
    text_encoder : str
        ``"own"``: CLIP's text tower, or a name of `ecgbyte.models.encoders.text_encoders.build_text_encoder`.
    tokenizer : transformers tokenizer, optional
        Of ``"own"``, where `size` names no pretrained model, which brings its own; and of ``"tiny"``.
    text_encoder_options
        See `ecgbyte.models.encoders.text_encoders.build_text_encoder`; none for ``"own"``.
    identical_reports : str
        See `ECGCLIP`.

    Raises
    ------
    ValueError
        If a tokenizer is missing, or given where the encoder brings its own.
    """
    from transformers import AutoTokenizer, CLIPModel

    layout, config = clip_configuration(size, leads, samples, normalisation)
    pretrained = is_pretrained(size)
    own = text_encoder == OWN_TEXT_ENCODER
    if own and pretrained == (tokenizer is not None):
        expected = "None, the pretrained CLIP brings its own" if pretrained else "the tokenizer of the reports"
        raise ValueError(f"tokenizer: expected {expected}, got {type(tokenizer).__name__}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if pretrained:
            clip = CLIPModel.from_pretrained(size, dtype=torch.float32, trust_remote_code=False)
        else:
            if own:
                config.text_config.vocab_size = len(tokenizer)
            clip = CLIPModel(config)
        ecg_encoder = CLIPEncoder(StackedSignal(layout), clip.vision_model, clip.visual_projection)
        if own:
            tokenizer = AutoTokenizer.from_pretrained(size, trust_remote_code=False) if pretrained else tokenizer
            text: TextEncoder = CLIPTextEncoder(clip.text_model, tokenizer)
            text_projection = clip.text_projection
        else:
            text = build_text_encoder(text_encoder, tokenizer=tokenizer, **(text_encoder_options or {}))
            text_projection = nn.Linear(text.output_size, ecg_encoder.feature_size, bias=False)
    scale = float(clip.logit_scale.detach())
    return ECGCLIP(ecg_encoder, text, text_projection, logit_scale=scale, identical_reports=identical_reports)
