"""What stands where an article was: walls, errors and pages that are gone."""

from __future__ import annotations

WALLS = ("consent", "login", "captcha", "error", "foreign", "terms", "stub", "empty")
GONE = ("404", "410", "soft-404", "home")
_TEXTS = {
    "consent": """
Before you continue

We and our partners use cookies to store and/or access information on a device.

Please accept all cookies or manage your preferences.

Accept all

Reject all
""",
    "login": """
Subscribers only

This article is for subscribers only.

Log in to continue reading.

Already a subscriber? Sign in here.
""",
    "captcha": """
Just a moment...

Verify you are human by completing the action below.

This site needs to review the security of your connection first.
""",
    "error": """
Access denied

You don't have permission to access this page on this server.

Reference 18.2f4d1502.1694507210.3f
""",
    "foreign": """
Devam etmeden önce

Size daha iyi hizmet sunabilmek için çerezleri ve benzeri teknolojileri kullanıyoruz.
Verileriniz iş ortaklarımızla paylaşılabilir.

Tercihlerinizi dilediğiniz zaman değiştirebilirsiniz. Siteyi gezmeyi sürdürmek için lütfen
aşağıdaki seçeneklerden birini seçin.

Tümünü kabul et

Tümünü reddet
""",
    "terms": """
Όροι χρήσης και προστασία δεδομένων

Πριν συνεχίσετε στην ιστοσελίδα μας, πρέπει να διαβάσετε τους όρους χρήσης και να δηλώσετε
ότι συμφωνείτε με αυτούς. Οι όροι ισχύουν για κάθε επισκέπτη, ανεξάρτητα από τη χώρα στην
οποία βρίσκεται ή τη συσκευή που χρησιμοποιεί.

Συλλέγουμε στοιχεία για τον τρόπο με τον οποίο διαβάζετε τα άρθρα μας: ποιες σελίδες
ανοίγετε, πόση ώρα μένετε σε αυτές και από ποια διεύθυνση έρχεστε. Τα στοιχεία αυτά τα
μοιραζόμαστε με διαφημιστικές εταιρείες, οι οποίες τα συνδυάζουν με άλλα που έχουν ήδη στη
διάθεσή τους.

Έχετε το δικαίωμα να ζητήσετε αντίγραφο των δεδομένων σας, να απαιτήσετε τη διόρθωσή τους
ή τη διαγραφή τους και να υποβάλετε καταγγελία στην αρμόδια αρχή. Η άσκηση των δικαιωμάτων
αυτών είναι δωρεάν και δεν χρειάζεται αιτιολόγηση.

Η συγκατάθεση που δίνετε ισχύει για δώδεκα μήνες. Μπορείτε να την ανακαλέσετε οποτεδήποτε
από τη σελίδα των ρυθμίσεων, χωρίς αυτό να επηρεάζει τη νομιμότητα της επεξεργασίας που
έγινε μέχρι εκείνη τη στιγμή.

Όσοι δεν επιθυμούν να συμφωνήσουν μπορούν να αποκτήσουν συνδρομή, με την οποία η ανάγνωση
γίνεται χωρίς διαφημίσεις και χωρίς παρακολούθηση. Η συνδρομή ανανεώνεται κάθε μήνα, εκτός
αν τη διακόψετε πριν από τη λήξη της.

Για απορίες γράψτε στον υπεύθυνο προστασίας δεδομένων της εταιρείας. Θα λάβετε απάντηση
μέσα σε τριάντα ημέρες από την παραλαβή του μηνύματος.
""",
    "soft-404": """
Page not found

The page you were looking for could not be found.

It may have been moved or deleted.
""",
}
"""Headline and paragraphs; "foreign" and "terms" are in languages whose phrases nobody listed."""


def _read(page: str) -> tuple[str, str]:
    title, *paragraphs = (" ".join(part.split()) for part in page.strip().split("\n\n"))
    return title, "\n\n".join(paragraphs)


PAGES = {mode: _read(page) for mode, page in _TEXTS.items()} | {"empty": ("", "")}
"""Headline and text by what is served."""
