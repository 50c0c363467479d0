"""A simulated support desk with known true preferences: the demo and the test bed.

Read in this order:

    facts        what is true: plans, prices old and current, the words that fill slots
    questions    what people ask: eight intents, and prompts drawn from them
    phrases      every wording a completion can be made of, and what each one shows
    grammar      attributes -> a completion; the demonstrations, mediocre on purpose
    parser       any text -> attributes, and how garbled it is
    vocabulary   the words of all of this, for a word-level tokenizer
    preferences  what people truly prefer: weighted attributes and a shared taste
    annotators   five people who judge, before and after calibration
    spec         the desk's specification, twice: silent on accuracy, then not
    probes       a behavioural suite that the parser can mark

All texts are lower-case words and marks with one space between them.
"""
