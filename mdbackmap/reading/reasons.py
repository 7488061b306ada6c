"""
What the errors of readers mean, in plain words.

Readers of damaged files fail with whatever Python or numpy says of the first value that does not fit.
"""

import re

_LONGEST = 300  # characters of a reason; chosen: two lines of a terminal, and some
_MEANINGS = (  # what an error says, and what it means
    (r"could not convert string to float: (?:np\.\w+\()?b?('.*?'|\".*?\")(?!\w)", "{0} is no number"),
    (r"invalid literal for int\(\) with base \d+: b?('.*?'|\".*?\")(?!\w)", "{0} is no whole number"),
    (r"codec can't decode", "it is not text"),
    (r"not enough values to unpack", "a line has too few values"),
    (r"too many values to unpack", "a line has too many values"),
    (r"index(?: \d+)? (?:is )?out of (?:range|bounds)", "it ends early, or a line is too short"),
    (r"cannot reshape|broadcast|buffer (?:is smaller|size must)", "it has another number of values than it says"),
    (r"zero-size array|StopIteration", "it has no frame"),
    (r"cannot convert float (?:NaN|infinity)", "a number in it is not finite"),
    (r"^KeyError: (.*)", "it has no {0}"),
)
_PYTHON = (  # words that only mean something to programmers
    r"object has no|NoneType|not subscriptable|unhashable|not iterable|dtype|<class|object at 0x|division by zero|"
    r"must be str|unsupported operand|'[<>]=?' not supported|positional argument|unexpected keyword|"
    r"truth value of an|too large to convert|\b\w+Error\b"
)


def reason(error) -> str:
    """
    Why something failed, on one line.

    Parameters
    ----------
    error : Exception or str

    Returns
    -------
    str
        What the error says; where those are words of Python or numpy, what they mean.

    Examples
    --------
    >>> reason(ValueError("could not convert string to float: '10 2.8'"))
    "'10 2.8' is no number"
    >>> reason(AttributeError("'NoneType' object has no attribute 'positions'"))
    'it is not as such a file has to be'
    """
    text = " ".join(str(error).split())
    if isinstance(error, KeyError) and " " in text:  # a sentence, which `str` puts in quotes
        text = " ".join(str(error.args[0]).split())
    elif isinstance(error, (KeyError, StopIteration)) or not text:
        text = f"{type(error).__name__}: {text}".rstrip(": ")
    text = text.removeprefix("Error: ")
    for pattern, meaning in _MEANINGS:
        found = re.search(pattern, text)
        if found:
            return meaning.format(*found.groups())
    if re.search(_PYTHON, text):
        return "it is not as such a file has to be"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
