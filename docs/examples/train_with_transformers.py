"""For who trains with transformers: Trainer and LoRA on questions about ECGs, saved as an adapter of a few MB.

python train_with_transformers.py BASE_MODEL OUTPUT_FOLDER [STEPS]
"""

import sys

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

import ecgbyte
from ecgbyte.data.synthetic import SyntheticRecords
from ecgbyte.hub import ECGProcessor, Reading, save_model
from ecgbyte.models.end_to_end import EndToEndModel
from ecgbyte.models.language.ecg_tokens import add_ecg_tokens

base, folder = sys.argv[1:3]
steps = int(sys.argv[3]) if len(sys.argv) > 3 else 300

model = AutoModelForCausalLM.from_pretrained(base)
text_tokenizer = AutoTokenizer.from_pretrained(base)

# The ECG tokens get rows in the model's embedding; what it makes of text stays as it is.
ecg_tokenizer = ecgbyte.ECGTokenizer.from_pretrained("ptb-xl-3500")
token_map = add_ecg_tokens(model, text_tokenizer, ecg_tokenizer)
processor = ECGProcessor(text_tokenizer, ecg_tokenizer, max_length=1024)

# Your records and questions; here made-up ones, of two seconds.
data = SyntheticRecords(num_patients=40, seed=0)
preprocessor = ecgbyte.Preprocessor()
examples = [
    {
        "ecg": preprocessor.apply(data.read(entry.record_id)).signal[:, :500],
        "question": "Does this ECG show sinus rhythm?",
        "answer": "yes" if any(finding.name == "sinus rhythm" for finding in entry.findings) else "no",
    }
    for entry in data.entries
]

lora = LoraConfig(r=8, target_modules=["q_proj", "v_proj"], trainable_token_indices=token_map.all_ids())
model = get_peft_model(model, lora)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=f"{folder}-checkpoints",
        max_steps=steps,
        per_device_train_batch_size=4,
        learning_rate=1e-3,
        remove_unused_columns=False,  # the processor reads the ECGs
        report_to="none",
        save_strategy="no",
        seed=0,
    ),
    train_dataset=examples,
    data_collator=processor.collate,
)
loss = trainer.train().training_loss
print(f"loss {loss:.3f} after {steps} steps")

save_model(
    folder,
    EndToEndModel(model, token_map),
    text_tokenizer,
    ecg_tokenizer,
    adapter=True,
    base=base,
    reading=Reading(max_length=1024, answer_room=32, segment_seconds=2.0),
    description="An example: it was trained on a few made-up ECGs and knows nothing of real ones.",
)
print(f"saved to {folder}")
