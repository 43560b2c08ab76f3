import unittest

from app import greeting


class Greeting(unittest.TestCase):
    def test_it_counts(self) -> None:
        self.assertEqual(greeting(3), "Hello, visitor 3\n")
