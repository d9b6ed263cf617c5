"""The command line of a Linux kernel (Documentation/admin-guide/kernel-parameters.rst; lib/cmdline.c)."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line as the kernel will get it, every variable of the boot loader replaced."""

    text: str

    @property
    def arguments(self) -> tuple[tuple[str, str], ...]:
        """Names and values in their order; a bare word has an empty value, `--` ends them (the rest is for init)."""
        pairs = [argument.partition("=") for argument in _words(self.text)]
        names = [name for name, _, _ in pairs]
        end = names.index("--") if "--" in names else len(names)
        return tuple((name, value) for name, _, value in pairs[:end])

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of an argument, in its order."""
        return tuple(value for given, value in self.arguments if given == name)

    def last(self, name: str) -> str | None:
        """The value that counts: the last one; None without the argument."""
        return next(iter(self.values(name)[::-1]), None)

    def has(self, name: str) -> bool:
        """Whether the argument is there, with or without a value."""
        return bool(self.values(name))

    def is_given(self, argument: str) -> bool:
        """Whether a whole argument is there (`quiet`, `boot=live`)."""
        name, _, value = argument.partition("=")
        return (name, value) in self.arguments


def _words(text: str) -> list[str]:
    """The words between blanks outside of double quotes, the quotes left out."""
    words, current, is_quoted = [], "", False
    for character in text:
        if character == '"':
            is_quoted = not is_quoted
        elif character.isspace() and not is_quoted:
            words += [current] if current else []
            current = ""
        else:
            current += character
    return [*words, current] if current else words
