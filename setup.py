"""Which packages there are; all else is in setup.cfg, which cannot add `datafiles` to those that are found."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["mdbackmap", "mdbackmap.*"]), "mdbackmap.datafiles"])
