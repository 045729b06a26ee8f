from setuptools import find_packages, setup

setup(
    name="{{ name }}",
    version="0.1.0",
    description="A model that Amazon SageMaker trains",
    python_requires=">=3.9",
    install_requires=[],
    packages=find_packages(),
    python_version="3.11",
    entry_points={
        "{{ package }}.training": ["train={{ package }}.train:train"],
    },
)
