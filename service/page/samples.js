// Texts to try, written for this page: news, a letter, a post, in English and in Chinese.

export const SAMPLES = [
  {
    title: "News",
    language: "en",
    text: `High water closed the Charles Bridge in Prague for a third day on Tuesday. Maria Okafor of the \
European Space Agency, who had come from Geneva to compare satellite maps with the ground, lent her boots to a \
reporter from Reuters instead. "They told me in Switzerland that it would be dry," she said.

The Czech army expects the river to fall by the end of November. Until then the trams to Vienna stop at Brno, \
and the Philharmonic, which was to play with Yo-Yo Ma on Friday, has moved to Berlin.`,
  },
  {
    title: "Letter",
    language: "en",
    text: `Dear Tom,

The train from Lyon was late, so I missed Dr. Nakamura, but Sophie Laurent of Siemens took me to lunch. She \
needs the Osaka figures before the board meets in Rotterdam on 12 March 2024. Could you ask Toyota for them, and \
send a copy to Priya Raman at the University of Leeds?

Give my love to Ana. I shall be in Dublin by Sunday.

Henrik`,
  },
  {
    title: "Post",
    language: "en",
    text: `Just landed in Nairobi 🛬 and Amina already has a plan: coffee at Java House ☕, then the National \
Museum. Kwame, you owe me 20 shillings 😅 Google Maps says Mombasa is eight hours away, Uncle Joseph says six.`,
  },
  {
    title: "新闻",
    language: "zh",
    text: `十一月三日，林晓雯从成都飞抵日内瓦，代表四川大学出席世界卫生组织的会议。会后她对新华社记者说，这是她第三次来\
瑞士，下一站是维也纳。同行的还有中国科学院的周建国教授和他的学生何苗。`,
  },
  {
    title: "随笔",
    language: "zh",
    text: `去年冬天，赵一鸣离开杭州的阿里巴巴，和老同学孙倩在深圳开了一家小公司。今年六月，他们拿到了腾讯的第一笔投资，\
把办公室搬到了南山区。孙倩的母亲从哈尔滨打来电话，只问了一句：深圳的冬天下雪吗？`,
  },
];

/** The samples in a language that one of `models` speaks, or all where none does. */
export function samplesFor(models) {
  const spoken = SAMPLES.filter((sample) => models.some((model) => speaks(model, sample.language)));
  return spoken.length ? spoken : SAMPLES;
}

/** Whether a model is one for `language`: `zh-Hans` is for `zh`, and `da,nb,sv` for each of the three. */
export function speaks(model, language) {
  return model.language.toLowerCase().split(",").some((tag) => tag.trim().split("-")[0] === language);
}
