"""For who has a trained model: three questions about one ECG.

python ask_one_ecg.py MODEL_FOLDER RECORD
"""

import sys

import ecgbyte
from ecgbyte.hub import answer_questions, load_model

model = load_model(sys.argv[1])
record = ecgbyte.read_record(sys.argv[2])

questions = ["Is this ECG normal?", "Which rhythm does this ECG show?", "Is there a left bundle branch block?"]
(result,) = answer_questions(model, [record], questions)

print(f"{result.record_id}, {result.seconds[0]:g} to {result.seconds[1]:g} s")
for answer in result.answers:
    print(f"{answer.question}  {answer.answer}  (yes {answer.yes:.2f})")
print("This is no medical device.")
