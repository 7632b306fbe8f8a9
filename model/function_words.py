"""Words that tell a language: function words of the languages that are written in Latin letters, and their letters.

`languages` counts them. Particles that are part of names all over the world (de, la, van, von, di) are in no list, so
that no name tells a language. The list of English is longer than the others, because it also protects English: a word
that it shares with another language tells neither from the other.
"""

LETTERS = {
    "ca": "àèéíïòóúüç",
    "cs": "áčďéěíňóřšťúůýž",
    "da": "æøåé",
    "de": "äöüß",
    "en": "éèçïñ",
    "es": "áéíóúüñ",
    "et": "äöõüšž",
    "fi": "äöå",
    "fr": "àâæçéèêëîïôœùûü",
    "hr": "čćđšž",
    "hu": "áéíóöőúüű",
    "id": "",
    "it": "àèéìòù",
    "nb": "æøåéòô",
    "nl": "éëïèö",
    "nn": "æøåéòô",
    "pl": "ąćęłńóśźż",
    "pt": "áâãàçéêíóôõú",
    "ro": "ăâîșşțţ",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "sl": "čšž",
    "sr": "čćđšž",
    "sv": "åäöé",
    "tr": "çğıöşüâî",
    "vi": "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
}
"""The lower-case letters of each language besides a to z."""

_WORDS = {
    "en": """
        a about above across actually after again against ago air all almost alone along already also although always
        am among an and another any anyone anything are around art as ask at ate away back bad bar be because become
        been before began behind being below best better between big bit book both bound brand brought but by call
        came can cannot car case come comes con could cut dag day days dell den der did die different do does doing
        don done down due during each early either else end enough er even ever every everyone everything experience
        fan far fast few film find fin first five for fort found four from full gang gave get gets getting give given
        go goes going gone good got great grand had hall half ham hand hard has hat have having he held help hen her
        here hers herself high him himself his home hot how however i if ii im in inside into is it item its itself jo
        just keep kept key kids kind knew know known lad large last late later least led left less let lets life like
        little live log long look looking lord lot made main make makes making man many mar mark mate may maybe me
        mean men might mil million mine more most moment mot much must my myself name near need net never new next
        nice no non none nor not note nothing now nu o of off often ok old on once one only open or order other others
        our out over own pa par part pas past people per person place plan plus point pole port post pour present pro
        problem public put quite rather read real really red right said same sang saw say says se second see seem seen
        sent set several she short should show side sin since sing slot small so som some someone something son soon
        stand start state still stop story such sum sur take taken talk team tell ten than thank thanks that the their
        theirs them themselves then there these they thing things think this those though three through thus till time
        tip to today together told ton too took top tot toward try trying turn two u under until up upon us use used
        using van vast very via von want war was way we week well went were what when where whether which while who
        whole whom whose why will win with within without won word words work world would year years yes yet you young
        your yours yourself ya ur em ill id ive cant dont didnt doesnt isnt lol haha rt omg wanna gonna thats whats
        theres heres youre theyre hes shes aint wont couldnt wouldnt shouldnt idk btw tbh
        """,
    "de": """
        der die das und den dem des ist nicht ein eine einen einem einer eines mit sich auf für von zu zum zur im am
        als auch es an werden wird wurde wurden aus er hat dass daß sie nach bei um noch wie über so vor durch man
        aber oder sein war nur mehr haben hatte kann können ich wir ihr uns euch mich mir dich dir ihm ihn ihnen bis
        gegen wenn dann sind seine seinem seinen seiner ihre ihrem ihren ihrer unter zwischen schon wieder sehr was
        wer wo hier heute gibt dieser diese dieses diesem diesen bin bist habe hast immer alle alles keine kein mein
        dein ja nein danke bitte vom beim seit ab doch etwa jetzt nun etwas jeder muss müssen soll wollen will
        """,
    "fr": """
        et les des un une en du est dans que qui pour pas sur plus par au aux avec son sa ses ce cette ces il elle ils
        elles nous vous je tu on ne se sont être été avoir avait ont était étaient sera fait faire mais ou où comme
        leur leurs tout tous toute toutes même si bien très deux après avant aussi entre sans sous chez dont lui y moi
        toi mon ma mes ton ta tes notre votre nos vos cela ça alors encore puis peut peu ans depuis ai suis es sommes
        êtes quand donc car ni rien oui non merci bonjour quelle quel vers selon contre
        """,
    "es": """
        que y en los las un una por con para se su sus lo como más pero o es fue ha han son ser está están este esta
        estos estas ese esa eso esto entre cuando muy sin sobre también hasta hay donde desde todo todos toda todas
        nos durante uno ni contra otros otro otra otras ese sí porque ya años año había era eran tiene tienen hace qué
        quien quién yo tú mi tu te me nosotros él ella ellos ellas no gracias hola así aunque sólo solo después antes
        dos tres puede según cada parte gobierno hoy ayer mañana aquí ahora
        """,
    "pt": """
        que e em os as um uma por para com não é mais como foi ser sua seu seus suas ao aos pelo pela pelos na no nas
        nos dos das mas se ou já entre está estão tem têm anos este esta isso isto ainda também são até ter há só
        muito muita mesmo sem foram quando onde ele ela eles elas porque lhe depois pode contra desde sempre tudo
        todos você vocês eu meu minha nós obrigado obrigada sim num numa à às era eram fazer dia hoje ontem agora
        """,
    "it": """
        che e il lo gli un una uno per con non è sono si in nel nella nei nelle dal dalla dai sul sulla alla alle ai
        agli degli delle dello della del più come anche ma o se ha hanno ho hai abbiamo era erano essere stato stata
        stati questo questa questi queste quello quella suo sua suoi sue loro io noi voi lui lei mi ti ci vi tra fra
        dopo prima quando dove perché molto tutti tutto tutta ogni già ancora senza sempre anni anno due tre oggi ieri
        così solo però grazie fatto fare può poi chi cosa
        """,
    "ca": """
        que i els les un una per amb no és són es en al als pel pels com més però o si ha han era ser aquest aquesta
        aquests això entre quan molt sense sobre també fins hi on des tot tots jo tu ell ella nosaltres seu seva seus
        meu meva anys any avui ahir gràcies dos tres després abans perquè què qui va van està estan
        """,
    "ro": """
        și şi în din cu pentru care pe au fost un să al mai se că este lui ca nu fi va ce sau iar vor prin după dintre
        sunt fiind ale către cele unde până unui unei sale cel ai ar cea acest această avut lor său sa avea sub cum
        peste toate despre era când mult fără dacă pot poate doar atunci eu el ea noi voi ei ele meu mea tău asta
        foarte când unde astfel decât între mulțumesc spre chiar fac face
        """,
    "nl": """
        het een en te dat die is op in niet zijn met voor aan er maar om hij ook als bij ze naar werd wordt worden
        was uit door nog over hebben heeft had deze dit tot geen dan zij hun haar mijn ik je jij u we wij ons onze kan
        kunnen zal zou zullen moet moeten meer veel al wel of toen waar wat wie hoe nu na tegen zo onder tussen mij
        hem hen dus toch weer altijd alle alles andere jaar dank bedankt graag ben bent ging gaan goed zelf
        """,
    "da": """
        og i at er en til det af på med for der har de ikke den som et om var kan han så jeg fra sig skal man men ved
        vi vil også år være siger blev hvor over eller ud hun havde efter sin kunne da meget op selv nu noget få alle
        bliver mere mange ind andre været mig end ham når må mod går du deres have helt hvad dem sammen hvis alt hans
        hendes siden ville lige lidt jo blevet før uden fordi denne dette disse skulle nogle ingen tak os
        """,
    "nb": """
        og i er det som på å til en for at av har med ikke de om et var den jeg han fra vi seg kan vil så sier men
        skal også ble være etter hadde ut hun må blir du eller opp noe andre år mot dette mer ha ved nå alle over bare
        sin da få meg bli man selv enn mange der vært når inn noen oss før denne mye dem kunne mellom blitt fikk
        skulle slik hvor hva hvorfor sine både gjennom ham uten siden ingen under takk hvis fordi deg
        """,
    "nn": """
        og i er det som til på å at for av har ein eit med dei ikkje om den var frå ei han ho seg kan vi skal men eg
        vil så må ut etter også dette meir blir vart vert opp eller ved hadde alle få år over enn noko nokon vore
        mange inn mot når meg mellom berre slik då vere vera kjem kva kvifor korleis kven kunne begge medan sjølv oss
        deg hans hennar deira takk viss
        """,
    "sv": """
        och i att det som en på är av för den med till inte ett om de var sig så från vi man har kan hon han jag men
        när ska skall hade eller under nu efter där också över bara vid mot upp ut in ha få får fick bli blir blev
        varit vara mycket mer alla andra ni du dig mig er oss dem dom sin sitt sina denna detta dessa än utan vad vem
        varför hur här någon något några inga ingen mellan sedan även då nej tack skulle kunde vill måste enligt hela
        """,
    "fi": """
        ja on että ei oli se tai myös kuin mutta sen ovat joka jotka ole kun sekä hän voi mukaan niin olisi sitä olla
        vain jo kanssa ollut jos siitä vielä jälkeen kuitenkin sitten mitä ne nyt sillä jonka jossa tämän tämä hänen
        kaikki eivät hyvin olivat vaan koko en koska vaikka ennen niiden minä sinä me te he ette emme et olen olet
        aina saa miten missä milloin siellä täällä ihan paljon enää noin eli hyvä kiitos mikä kuka minun sinun hänet
        """,
    "et": """
        ja on ei et see kui ka oli oma ta aga mis kes ning või siis nii ma sa me te nad veel juba väga ainult seda
        selle pärast enne kuid olen oled olla ole saab mida kus miks midagi kõik üks kaks aasta aastal tema minu sinu
        """,
    "hu": """
        az és hogy nem egy volt kell vagy van el már csak ki mint azt még ha ez olyan szerint között be minden pedig
        majd sem valamint amely új után úgy nagy lehet két által akkor ezt több így itt való mert annak ami aki lesz
        más ahol most azonban illetve miatt amikor lett alatt nagyon ő előtt mi amit mellett ott akik ne mindig át
        hanem vagyok vannak én te ők köszönöm igen volna sok fel meg le ennek ezek azok hol mikor
        """,
    "pl": """
        w i z na nie się do że jest o jak to po co za od ale tak przez był była było były są oraz dla tym tego który
        która które którzy już tylko może jego jej ich być też czy go ten ta te ze jako przy pod przed nad między gdy
        kiedy gdzie bardzo więc jeszcze roku lat po mnie mi ja ty my wy oni ona on ono ma mają można będzie jeśli bez
        dziękuję proszę dzień wszystko żeby
        """,
    "cs": """
        a v se na je že to z do s o ve i k po za pro by ale jako jsou jsem jsme bylo byl byla být jeho její jejich
        které který která tak nebo od už aby podle jen při před také pod mezi když než bude co má mají jak kde kdy
        proč si ani není nejsou ještě velmi roku let my vy oni ona on já ty mě mi však pouze jeden děkuji protože
        """,
    "sk": """
        sa a v na je že to z do s o vo i k po za pre by ale ako sú som sme bolo bol bola byť jeho jej ich ktoré ktorý
        ktorá ktorí tak alebo od už aby podľa len pri pred tiež aj pod medzi keď než bude čo má majú ako kde kedy
        prečo si ani nie ešte veľmi roku rokov my vy oni ona on ja ty mňa mi však iba jeden ďakujem pretože nič
        """,
    "sl": """
        in je na v se za da so z ki s ne po pa bi o s tudi ali kot pri od do ni bil bila bilo biti sem smo lahko le še
        že ko kaj kje kdo zakaj ker če pred med med po vse več samo zelo leta let njegov njena njihov jaz ti mi vi oni
        ona on hvala tega to ta
        """,
    "hr": """
        je i u se na za su da od s će kako koji a što o ne bi iz kao koja koje do te to biti ili nije nisu ali sa samo
        više sve još nakon smo po jer može zbog već bilo bio bila dok oko kada prije svoje ima tako sam godina godine
        nego uz prema također toga sada uvijek dobro dana između ako mi ti vi on ona oni hvala tko gdje zašto jako
        """,
    "sr": """
        je u da i se na za su sa od koji će bi o ne iz kao što a koja koje do to ali nije nisu biti kako više još
        takođe kada on protiv sve po svoje zbog samo bio bila bilo između posle oko li ima već dok ove pre smo koju
        jer pod nego može uvek ako tokom sam bez treba ja ti mi vi ona oni hvala ko gde zašto veoma godina godine
        """,
    "tr": """
        ve bir bu için ile da de olarak çok daha gibi en ne var o ama kadar sonra olan ben sen biz siz onlar her şey
        değil mi mı mu mü ki ya veya ise göre önce yok iki olduğu oldu oldum etti eden yıl yılında yeni nasıl neden
        kim şu bunu onun benim senin bizim sizin içinde üzerinde tarafından hem bile diye teşekkürler evet hayır
        """,
    "id": """
        yang dan di dari untuk pada dengan ini itu dalam tidak adalah akan oleh sebagai ke juga ada atau telah karena
        bisa dapat saya kami kita mereka dia ia kamu anda lebih sudah tahun banyak para secara antara orang harus
        seperti setelah saat hanya bahwa tersebut menjadi belum jika apa siapa mana sangat masih lagi tapi tetapi
        terima kasih
        """,
    "vi": """
        và của là có các những một trong cho được với không người này đã khi để từ đến ra ở về như cũng tại vào hơn
        nhiều còn sẽ làm phải thì mà nếu vì theo sau trước năm ngày tôi bạn anh chị em họ chúng ta rất đang hay nên
        """,
}

WORDS = {code: frozenset(listed.split()) for code, listed in _WORDS.items()}
"""The function words of each language, in lower case."""
