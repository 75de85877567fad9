/**
 * Passwords of twelve characters and more that lead the published lists, lower case and without signs.
 * Sequences, keyboard rows and repetitions are caught by rule instead.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  `password1234 password12345 password123456 passwordpassword passw0rd1234 p4ssw0rd1234 mypassword123 mypassword1234 thisismypassword
  password2020 password2021 password2022 password2023 password2024 password2025 password2026 changeme1234 changemenow1 changeme12345
  letmein12345 letmein123456 letmeinplease welcome12345 welcome123456 welcome12024 welcome12025 administrator administrator1 admin1234567
  admin12345678 adminadmin12 adminadmin123 administrator123 rootrootroot toortoortoor iloveyou1234 iloveyou12345 iloveyouforever iloveyousomuch
  ilovemyfamily ilovemyself1 ilovechocolate iloveyoubaby princess1234 sunshine1234 football1234 baseball1234 basketball12 basketball123 superman1234
  batman123456 starwars1234 pokemon12345 dragon123456 monkey123456 master123456 shadow123456 michael12345 jessica12345 charlie12345 jordan123456
  ashley123456 daniel123456 hannah123456 qwerty123456 qwerty1234567 qwerty12345678 qwertyqwerty qwertyuiop12 qwertyuiop123 qwertyuiop1234 asdfghjkl123
  asdfasdfasdf asdf1234asdf zxcvbnm12345 zxcvbnm123456 abc123abc123 abcd1234abcd abcdefg12345 abcdef123456 abc123456789 abcd12345678 a123456789012 aa1234567890
  a12345678901 123456789abc 1234567890qwe 1234567890abc 123456789qwe 12345678qwerty 1234qwerasdf 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw23edc zaq12wsxcde3 zaq1zaq1zaq1
  qazwsxedcrfv qazwsxedc123 qweasdzxc123 qwe123qwe123 qweqweqwe123 1q2w3e4r5t6y 1q2w3e4r5t6y7u8i q1w2e3r4t5y6 123qweasdzxc 123123123123 111222333444 112233445566
  111111111111 000000000000 123456123456 123456654321 121212121212 987654321012 987654321098 147258369147 147258369012 741852963012 789456123012 159753159753 102030405060
  123321123321 123454321234 314159265358 314159265359 mother123456 family123456 freedom12345 whatever1234 trustno11234 trustno1trustno1 correcthorsebatterystaple
  thequickbrownfox maytheforcebewithyou livelaughlove livelovelaugh tobeornottobe tobeornottobethatisthequestion onceuponatime openthesesame opensesame12 opensesame123
  supersecret1 supersecret12 supersecret123 topsecret123 topsecret1234 secretpassword mysecretpassword secret123456 testtesttest testpassword testpassword1 test12345678 testing12345
  temporary123 temppassword temppassword1 defaultpassword defaultpass1 guestguest12 userpassword user12345678 cofferpassword coffercoffer coffer123456 vaultpassword myvaultpassword
  computer1234 internet1234 liverpool123 manchester12 manchesterunited chelsea12345 arsenal12345 barcelona123 realmadrid12 juventus1234 christopher1 christopher12 elizabeth123
  alexander123 benjamin1234 samantha1234 jennifer1234 victoria1234 nicholas1234 anthony12345 jonathan1234 butterfly123 chocolate123 strawberry12 strawberry123 cheesecake12
  motdepasse12 motdepasse123 passwort1234 passwort12345 passwort123456 hallo1234567 hallohallo12 schatz123456 contrasena12 contrasena123 wachtwoord12 wachtwoord123 parola123456
  teamoteamo12 teamomucho12 azertyuiop12 azertyuiop123 azerty123456 azertyazerty spring2024spring summer2024summer winter2024winter autumn2024autumn summer202412 winter202412`.split(
    /\s+/,
  ),
);
