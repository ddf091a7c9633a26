//! Names as they occur, in several languages and spellings, and those that only sound alike.

use super::*;

fn of(table: &str, column: &str, family: Family) -> Option<&'static str> {
    meaning(table, column, family).map(|meaning| meaning.what)
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of names")]
fn names_are_understood_in_several_languages_and_spellings() {
    let table: &[(&str, &[&str])] = &[
        (
            "an e-mail address",
            &[
                "email",
                "e_mail",
                "EMail",
                "emailAddress",
                "contact_email",
                "work-email",
                "correo",
                "courriel",
                "メールアドレス",
                "mail",
                "email2",
            ],
        ),
        (
            "a phone number",
            &[
                "phone",
                "phone_number",
                "PhoneNumber",
                "telefon",
                "telefonnummer",
                "tel",
                "mobile",
                "handy",
                "teléfono",
                "celular",
                "手机号",
                "fax",
            ],
        ),
        (
            "a number that the state gives to a person",
            &[
                "ssn",
                "SSN",
                "social_security_number",
                "socialSecurityNumber",
                "tax_id",
                "steuer_id",
                "codice_fiscale",
                "cpf",
                "pesel",
                "passport_no",
                "passportnummer",
                "personnummer",
                "bsn",
                "dni",
            ],
        ),
        (
            "a bank account or card",
            &[
                "iban",
                "IBAN",
                "customer_iban",
                "account_number",
                "card_number",
                "creditCardNumber",
                "kontonummer",
                "tarjeta",
            ],
        ),
        (
            "a date of birth",
            &[
                "birth_date",
                "birthDate",
                "birthdate",
                "birthday",
                "date_of_birth",
                "dob",
                "DOB",
                "geburtsdatum",
                "geburtstag",
                "date_naissance",
                "fecha_nacimiento",
                "data_di_nascita",
                "geboortedatum",
                "生日",
            ],
        ),
        (
            "a person's name",
            &[
                "first_name",
                "firstName",
                "lastname",
                "surname",
                "vorname",
                "nachname",
                "prénom",
                "apellidos",
                "cognome",
                "full_name",
            ],
        ),
        (
            "a postal address",
            &[
                "street",
                "straße",
                "address_line_1",
                "address1",
                "postal_code",
                "zip",
                "plz",
                "dirección",
                "adresse",
                "indirizzo",
            ],
        ),
        ("an address of a device in a network", &["ip_address", "ipAddress", "last_ip", "user_agent"]),
        (
            "a password",
            &["password", "password_hash", "passwd", "pwd", "passwort", "contraseña", "hashed_password"],
        ),
        ("a key or token", &["api_key", "apiKey", "access_token", "client_secret", "totp", "refreshToken"]),
    ];
    for (what, names) in table {
        for name in *names {
            assert_eq!(of("t", name, Family::Text), Some(*what), "{name}");
        }
    }
}

#[test]
fn names_that_only_sound_alike_mean_nothing() {
    let names = [
        "id",
        "name",
        "title",
        "note",
        "status",
        "created_at",
        "email_verified",
        "email_sent_at",
        "phone_count",
        "password_changed_at",
        "token_type",
        "emailtemplate_type",
        "image",
        "package",
        "language",
        "storage",
        "manage",
        "assassin",
        "business",
        "using",
        "planet",
        "spinning",
        "hotel",
        "cartel",
        "passenger_count",
        "compass",
        "description",
        "company",
        "quantity",
        "expand",
        "latency",
        "stage",
        "embryo",
    ];
    for name in names {
        assert_eq!(of("products", name, Family::Text), None, "{name}");
    }
}

#[test]
fn a_type_that_can_not_hold_it_speaks_against_a_name() {
    assert_eq!(of("t", "email", Family::Boolean), None);
    assert_eq!(of("t", "email", Family::Other), None);
    assert_eq!(of("t", "email", Family::Time), None);
    assert_eq!(of("t", "birth_date", Family::Time), Some("a date of birth"));
    assert_eq!(of("t", "phone", Family::Number), Some("a phone number"));
    assert_eq!(of("t", "salary", Family::Number), Some("what somebody earns or owes"));
    assert_eq!(of("t", "ip", Family::Network), Some("an address of a device in a network"));
    assert_eq!(of("t", "password_hash", Family::Other), Some("a password"));
}

#[test]
fn a_bare_name_is_somebodys_in_a_table_of_people() {
    for table in ["customers", "Customer", "app_users", "employees", "kunden", "clientes"] {
        assert_eq!(of(table, "name", Family::Text), Some("a person's name"), "{table}");
    }
    assert_eq!(of("products", "name", Family::Text), None);
}

#[test]
fn names_fall_into_words() {
    for (name, words) in [
        ("date_of_birth", "date of birth"),
        ("dateOfBirth", "date of birth"),
        ("SSNumber", "ss number"),
        ("Straße 2b", "strasse b"),
        ("__", ""),
    ] {
        assert_eq!(words_of(name).join(" "), words);
    }
}
