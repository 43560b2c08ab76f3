import pytest

from devloop.stacks.base import ManifestError
from devloop.stacks.java import maven as java_maven
from tests.stacks.snapshots import one

BOOT = "<project><parent><artifactId>spring-boot-starter-parent</artifactId></parent></project>"
MAIN = {
    "src/main/java/a/Main.java": "package a;\nclass Main { public static void main(String[] x) {} }"
}
WRAPPER = "gradle/wrapper/gradle-wrapper"


@pytest.mark.parametrize(
    ("files", "run", "port"),
    [
        ({"pom.xml": BOOT}, ("mvn", "-q", "spring-boot:run"), 8080),
        (
            {"pom.xml": BOOT, "src/main/resources/application.yml": "server:\n  port: 9090\n"},
            ("mvn", "-q", "spring-boot:run"),
            9090,
        ),
        (
            {"pom.xml": "<project>quarkus</project>"},
            ("mvn", "-q", "quarkus:dev", "-Dquarkus.http.host=0.0.0.0"),
            8080,
        ),
        (
            {"pom.xml": "<project/>", **MAIN},
            ("mvn", "-q", "compile", "exec:java", "-Dexec.mainClass=a.Main"),
            None,
        ),
        ({"pom.xml": "<project/>"}, (), None),
        (
            {"build.gradle": "id 'org.springframework.boot'"},
            ("gradle", "--no-daemon", "--quiet", "bootRun"),
            8080,
        ),
        (
            {"build.gradle.kts": "plugins { application }\n", "build.gradle": "id 'application'"},
            ("gradle", "--no-daemon", "--quiet", "run"),
            None,
        ),
        (
            {
                "settings.gradle": "include 'web'",
                "web/build.gradle": "id 'application'",
                "gradlew": "",
                f"{WRAPPER}.jar": "",
            },
            ("sh", "gradlew", "--no-daemon", "--quiet", ":web:run"),
            None,
        ),
    ],
)
def test_what_is_run(files: dict[str, object], run: object, port: int | None) -> None:
    found = one(files)
    assert (found.run, found.port) == (run, port)


def test_the_module_that_boots_is_started() -> None:
    modules = "<project><modules><module>lib</module><module>web</module></modules></project>"
    web = "<project><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></project>"
    found = one({"pom.xml": modules, "lib/pom.xml": "<project/>", "web/pom.xml": web})
    assert found.run == (
        "mvn -q -pl web -am install -DskipTests && exec mvn -q -pl web spring-boot:run"
    )
    assert found.keep == ("target", "lib/target", "web/target")
    assert found.manifests == ("lib/pom.xml", "pom.xml", "web/pom.xml")
    assert found.install == "mvn -B compile dependency:go-offline"
    assert one({"pom.xml": "<project/>"}).install == "mvn -B dependency:go-offline"


def test_the_module_with_the_main_class_is_started() -> None:
    modules = "<project><modules><module>lib</module><module>web</module></modules></project>"
    main = {"web/src/main/java/a/Main.java": next(iter(MAIN.values()))}
    found = one({"pom.xml": modules, "lib/pom.xml": "<a/>", "web/pom.xml": "<a/>", **main})
    assert found.run == (
        "mvn -q -pl web -am install -DskipTests"
        " && exec mvn -q -pl web exec:java -Dexec.mainClass=a.Main"
    )


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({"pom.xml": "<project/>"}, "maven:3.9-eclipse-temurin-21"),
        ({"pom.xml": "<java.version>17</java.version>"}, "maven:3.9-eclipse-temurin-17"),
        (
            {"pom.xml": "<maven.compiler.source>1.8</maven.compiler.source>"},
            "maven:3.9-eclipse-temurin-8",
        ),
        ({"pom.xml": "<java.version>19</java.version>"}, "maven:3.9-eclipse-temurin-21"),
        ({"pom.xml": "<java.version>99</java.version>"}, "maven:3.9-eclipse-temurin-25"),
        (
            {"pom.xml": "", "system.properties": "java.runtime.version=11\n"},
            "maven:3.9-eclipse-temurin-11",
        ),
        ({"pom.xml": "", ".sdkmanrc": "java=17.0.2-tem\n"}, "maven:3.9-eclipse-temurin-17"),
        (
            {"pom.xml": "", ".tool-versions": "java temurin-17.0.1\n"},
            "maven:3.9-eclipse-temurin-17",
        ),
        ({"build.gradle": ""}, "gradle:8-jdk21"),
        ({"build.gradle": "JavaLanguageVersion.of(17)"}, "gradle:8-jdk17"),
        (
            {
                "build.gradle": "",
                "gradlew": "",
                f"{WRAPPER}.jar": "",
                f"{WRAPPER}.properties": "gradle-7.5-bin.zip",
            },
            "eclipse-temurin:17-jdk",
        ),
    ],
)
def test_the_image(files: dict[str, object], image: str) -> None:
    assert one(files).image == image


def test_what_counts_in_a_pom() -> None:
    base = b"<project><name>x</name><dependencies><d>1</d></dependencies></project>"
    other = b"<!-- c --><project>\n <dependencies> <d> 1 </d></dependencies><url>z</url></project>"
    assert java_maven.fields(base) == java_maven.fields(other) == {"dependencies": [{"d": "1"}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<a>", "not valid XML: no element found at line 1, column 4"),
        (b"", "not valid XML: no element found at line 1, column 1"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "a document type is not read at line 1"),
        (b"<properties>" * 200 + b"</properties>" * 200, "nested too deeply"),
    ],
)
def test_what_does_not_parse_says_where(content: bytes, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        java_maven.fields(content)
    assert str(caught.value).startswith(message)
