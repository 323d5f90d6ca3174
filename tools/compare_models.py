#!/usr/bin/env python3
"""Other kinds of models on the rows and folds that a tree was learned from, by scikit-learn.

usage: compare_models.py ROWS.csv

ROWS.csv is what `nodevigil train --training-rows` writes: fold, class, and the inputs of the tree. Each row is judged by
a model that has not seen its fold, and each class weighs the same.
"""
import sys
import time

import pandas
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

# scikit-learn 1.2 knows no missing values: the median stands for them. Each for so many classes.
MODELS = {
    "decision tree of depth 8": lambda _: DecisionTreeClassifier(
        max_depth=8, min_samples_leaf=5, class_weight="balanced", random_state=1),
    "random forest of 100": lambda _: RandomForestClassifier(
        n_estimators=100, min_samples_leaf=2, class_weight="balanced", random_state=1),
    "logistic regression": lambda _: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=500, class_weight="balanced")),
    "naive Bayes": lambda count: GaussianNB(priors=[1 / count] * count),
}


def judged(make, inputs, classes, folds):
    """What a model gives each row that has not learned from its fold."""
    given = pandas.Series(index=classes.index, dtype=object)
    for fold in sorted(folds.unique()):
        learned = classes[folds != fold]
        model = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), make(learned.nunique()))
        model.fit(inputs[folds != fold], learned)
        given[folds == fold] = model.predict(inputs[folds == fold])
    return given


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = pandas.read_csv(sys.argv[1])
    classes, folds, inputs = rows["class"], rows["fold"], rows.drop(columns=["fold", "class"])
    print(f"{'on the same folds':28} {'attack F1':>10} {'macro F1':>9} {'accuracy':>9} {'seconds':>8}")
    for name, make in MODELS.items():
        begun = time.process_time()
        given = judged(make, inputs, classes, folds)
        print(f"{name:28} {f1_score(classes != 'normal', given != 'normal'):10.3f} "
              f"{f1_score(classes, given, average='macro'):9.3f} {accuracy_score(classes, given):9.3f} "
              f"{time.process_time() - begun:8.1f}")


if __name__ == "__main__":
    main()
