"""Author names in any order, spelling and length, with typing errors, on both engines."""

from __future__ import annotations

from bot.search.service import SearchService
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper


async def test_names_match_in_any_order_and_without_diacritics(search: SearchService) -> None:
    for name in ["andres marafiori", "Marafiori, Andrés", "MARAFIORI", "marafiori andrés"]:
        result = await search.find_author(name)
        assert result.author == "Andrés Marafiori"
        assert [row.arxiv_id for row in result.rows] == ["2501.00001"]
        assert result.coauthors == ("Jürgen Müller",)
        assert result.topics == ("small language model",)


async def test_umlauts_match_in_every_usual_spelling(search: SearchService) -> None:
    for name in ["muller", "Mueller", "Müller", "jurgen muller", "Müller, Jürgen"]:
        assert (await search.find_author(name)).author == "Jürgen Müller"


async def test_a_comma_marks_the_family_name(db: Database) -> None:
    papers = [
        sample_archive.NewsletterPaper("2505.08888", "One", "It works.", authors=("Jun Lin",)),
        sample_archive.NewsletterPaper("2505.08889", "Two", "It works.", authors=("Lin Jun",)),
    ]
    await sample_archive.add_digest(db, "2025-05-02", *papers)
    for typed, meant in [
        ("Lin, Jun", "Jun Lin"),
        ("Jun, Lin", "Lin Jun"),
        ("Jun Lin", "Jun Lin"),
        ("Lin Jun", "Lin Jun"),
    ]:
        assert (await SearchService(db).find_author(typed)).author == meant


async def test_one_or_two_typing_errors_are_corrected(search: SearchService) -> None:
    for name in ["Jurgen Muler", "Jurgn Müller", "Andres Marafoiri", "Junyag Lin", "Marafiory"]:
        assert (await search.find_author(name)).author in {"Jürgen Müller", "Andrés Marafiori", "Junyang Lin"}


async def test_the_best_match_of_many_authors_comes_first(db: Database) -> None:
    names = ("Junyang Lin", "Kaichen Zhang", "David K. Zhang", "Matthew Lyle Olson", "Ying-Tian Liu")
    others = ("J. H. Li", "Y. K. Lee", "Ethan D. L. Brown", "Lin Zhou", "Olivia M. Lang", "DeepSeek-AI")
    await sample_archive.add_digest(
        db, "2025-01-02", NewsletterPaper("2501.00001", "One", "하나입니다.", authors=names + others)
    )
    for name, meant in [
        ("J. Lin", "Junyang Lin"),
        ("Lin J", "Junyang Lin"),
        ("Junyang Lni", "Junyang Lin"),
        ("Junyang Li", "Junyang Lin"),
        ("Junyag Lmn", "Junyang Lin"),
        ("Jnuyagn Lin", "Junyang Lin"),
        ("JunyangLin", "Junyang Lin"),
        ("Junyang Q. Lin", "Junyang Lin"),
        ("Kqichen Zhang", "Kaichen Zhang"),
        ("K. Zhang", "Kaichen Zhang"),
        ("Matthew L Olson", "Matthew Lyle Olson"),
        ("Matthew Olson", "Matthew Lyle Olson"),
        ("Ying-Tina Liu", "Ying-Tian Liu"),
        ("Yingtian Liu", "Ying-Tian Liu"),
        ("Deep Seek AI", "DeepSeek-AI"),
        ("DeepSeekAI", "DeepSeek-AI"),
        ("Liu", "Ying-Tian Liu"),
    ]:
        search = SearchService(db)
        assert (await search.find_author(name)).author == meant


async def test_an_initial_matches_all_names_that_begin_with_it(db: Database) -> None:
    people = ("H. Zhang", "Haonan Zhang", "Hao-Ran Zhang", "Kun H. Zhang", "Zhang Hui", "Kun Zhang")
    await sample_archive.add_digest(
        db, "2025-01-02", NewsletterPaper("2501.00001", "One", "하나입니다.", authors=people)
    )
    matches = (await SearchService(db).find_author("H. Zhang")).matches
    assert matches[:2] == ("H. Zhang", "Haonan Zhang")
    assert set(matches) == set(people) - {"Kun Zhang"}


async def test_initials_and_split_names_match(search: SearchService) -> None:
    for name in ["J. Lin", "Jun Yang Lin", "Lin, Junyang", "lin j"]:
        assert (await search.find_author(name)).author == "Junyang Lin"


async def test_a_name_is_corrected_only_if_the_correction_is_plausible(db: Database) -> None:
    people = ("Seon Joo Kim", "Young-Jun Lee", "Lei Zhang", "Jianyi Wang", "Minjun Kim", "Junyang Lin")
    await sample_archive.add_digest(
        db, "2025-01-02", NewsletterPaper("2501.00001", "One", "하나입니다.", authors=people)
    )
    for typed, meant in [
        ("Geonwoo Kim", None),
        ("Dongjun Lee", None),
        ("Wei Zhangg", None),
        ("Jian Wan", None),
        ("Minsu Kim", None),
        ("Sunjoo Kim", "Seon Joo Kim"),
        ("Seon Joo Kin", "Seon Joo Kim"),
        ("Jnuyagn Lin", "Junyang Lin"),
        ("Junyang Li", "Junyang Lin"),
    ]:
        result = await SearchService(db).find_author(typed)
        assert (result.author, result.is_corrected) == (meant, meant is not None)


async def test_another_writing_of_a_name_is_no_correction(search: SearchService) -> None:
    for typed in ["lin junyang", "Lin, Junyang", "J. Lin", "Jun Yang Lin", "Junyang", "JunyangLin"]:
        result = await search.find_author(typed)
        assert (result.author, result.is_corrected) == ("Junyang Lin", False)
