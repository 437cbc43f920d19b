"""Resolution: the glossary at query time, its concepts, expansions and translations."""
