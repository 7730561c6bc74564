// The JDK's own HttpClient, below LangChain4j and Spring AI: it asks for HTTP/2 with each first request.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

public class Chat {
  public static void main(String[] arguments) throws Exception {
    for (var version : HttpClient.Version.values()) {
      var client = HttpClient.newBuilder().version(version).build();
      for (var streamed : new boolean[] {false, true}) {
        var question = "{\"messages\": [{\"role\": \"user\", \"content\": \"hello world\"}], \"stream\": %s}";
        var request = HttpRequest.newBuilder(URI.create(arguments[0] + "/v1/chat/completions"))
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + arguments[1])
            .POST(HttpRequest.BodyPublishers.ofString(question.formatted(streamed)))
            .build();
        var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        var whole = streamed ? "data: [DONE]" : "You said: hello world";
        if (answer.statusCode() != 200 || !answer.body().contains(whole)) {
          throw new AssertionError(version + ": " + answer.statusCode() + " " + answer.body());
        }
      }
    }
  }
}
