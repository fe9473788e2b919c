"""Captello's standard fields, the names that customers give them, and the columns of Dynamics that hold the same.

The identifiers that were seen are FirstName, LastName, Email, Company, WorkPhone and Country; the others are the usual
names of such tools, and are only ever suggested.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from core.domain.mapping_row import Policy

STANDARD = ("FirstName", "LastName", "Email", "Company", "WorkPhone", "Country")

# How else a field may be called, in the form of `plain_name`.
_SYNONYMS: Mapping[str, str] = {
    "FirstName": "first givenname forename vorname prenom prénom nombre nome",
    "LastName": "last surname familyname nachname nom apellido apellidos cognome",
    "Email": "emailaddress mail workemail businessemail emailaddress1 correo courriel",
    "Email2": "secondemail alternateemail personalemail emailaddress2",
    "Company": "companyname organization organisation employer firma unternehmen societe société empresa azienda",
    "Title": "jobtitle position role funktion fonction cargo",
    "Salutation": "anrede",
    "MiddleName": "middle",
    "Department": "abteilung",
    "WorkPhone": "phone telephone phonenumber businessphone officephone telefon telephone1 telefono teléfono",
    "MobilePhone": "mobile cell cellphone handy mobil movil móvil",
    "HomePhone": "privatephone",
    "Fax": "faxnumber",
    "Website": "web url homepage site websiteurl companywebsite",
    "Address": "street address1 addressline1 strasse straße rue calle via",
    "Address2": "addressline2 street2",
    "City": "town ort stadt ville ciudad citta città",
    "State": "province region stateprovince bundesland",
    "Zip": "zipcode postalcode postcode plz codepostal",
    "Country": "countryregion land pays pais país paese",
    "Industry": "branche sector",
    "Revenue": "annualrevenue umsatz",
    "Employees": "numberofemployees employeecount companysize mitarbeiter",
    "Comments": "comment notes note remarks bemerkung description",
    "BirthDate": "birthday dateofbirth geburtsdatum",
}
FIELD_BY_NAME: Mapping[str, str] = {
    name: field for field, names in _SYNONYMS.items() for name in (field.lower(), *names.split())
}

_ADDRESS = {
    "Address": "address1_line1",
    "Address2": "address1_line2",
    "City": "address1_city",
    "State": "address1_stateorprovince",
    "Zip": "address1_postalcode",
    "Country": "address1_country",
}
_PERSON = {
    "FirstName": "firstname",
    "LastName": "lastname",
    "MiddleName": "middlename",
    "Salutation": "salutation",
    "Email": "emailaddress1",
    "Email2": "emailaddress2",
    "Title": "jobtitle",
    "WorkPhone": "telephone1",
    "MobilePhone": "mobilephone",
    "HomePhone": "telephone2",
    "Fax": "fax",
    "Website": "websiteurl",
    "Comments": "description",
    **_ADDRESS,
}
_FIRM = {"Industry": "industrycode", "Revenue": "revenue", "Employees": "numberofemployees"}
COLUMN_OF: Mapping[str, Mapping[str, str]] = {
    "lead": {**_PERSON, **_FIRM, "Company": "companyname"},
    "contact": {**_PERSON, "Department": "department", "BirthDate": "birthdate"},
    "account": {
        **_FIRM,
        **_ADDRESS,
        "Company": "name",
        "Website": "websiteurl",
        "WorkPhone": "telephone1",
        "Fax": "fax",
    },
}
# What says who somebody is follows the newest word, and remarks add up; everything else only fills what is empty.
POLICIES: Mapping[str, Policy] = {
    **dict.fromkeys(("FirstName", "LastName", "Email", "Title"), Policy.OVERWRITE),
    "Comments": Policy.APPEND,
}
_ONCE = {"policy": "create_only"}
# What is no field of a person, by column: (row, reason, confidence).
FROM_THE_CAPTURE: Mapping[str, Mapping[str, tuple[dict[str, Any], str, float]]] = {
    "lead": {
        "subject": (
            {"source": "{form.event}: {form.name}", "default": "Captello", **_ONCE},
            "Dynamics asks every lead for a topic; event and form say where the person was met.",
            0.8,
        ),
        "leadsourcecode": (
            {"constant": "Trade Show", **_ONCE},
            "Captello captures people at events, and Dynamics has a lead source for that.",
            0.7,
        ),
    },
    "contact": {},
    "account": {},
}


def plain_name(text: str) -> str:
    """A name as it is compared: letters and digits in lower case."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFC", text).casefold())
